# The page of the manual and the completion of shells: the built command writes them.
find_program(GZIP gzip REQUIRED)
set(manual_folder ${CMAKE_BINARY_DIR}/manual)
file(MAKE_DIRECTORY ${manual_folder})
add_custom_command(OUTPUT ${manual_folder}/bptplr.1.gz
                   COMMAND bptplr man > bptplr.1 COMMAND ${GZIP} -9nc bptplr.1 > bptplr.1.gz
                   DEPENDS bptplr WORKING_DIRECTORY ${manual_folder} VERBATIM)
foreach(shell bash zsh fish)
  add_custom_command(OUTPUT ${manual_folder}/bptplr.${shell}
                     COMMAND bptplr completion ${shell} > bptplr.${shell}
                     DEPENDS bptplr WORKING_DIRECTORY ${manual_folder} VERBATIM)
endforeach()
add_custom_target(manual ALL DEPENDS ${manual_folder}/bptplr.1.gz ${manual_folder}/bptplr.bash
                  ${manual_folder}/bptplr.zsh ${manual_folder}/bptplr.fish)

# Installs them below `share`, where man and the shells look.
function(bptplr_install_manual share)
  install(FILES ${manual_folder}/bptplr.1.gz DESTINATION ${share}/man/man1 COMPONENT program)
  install(FILES ${manual_folder}/bptplr.bash DESTINATION ${share}/bash-completion/completions
          RENAME bptplr COMPONENT program)
  install(FILES ${manual_folder}/bptplr.zsh DESTINATION ${share}/zsh/vendor-completions
          RENAME _bptplr COMPONENT program)
  install(FILES ${manual_folder}/bptplr.fish DESTINATION ${share}/fish/vendor_completions.d
          COMPONENT program)
endfunction()
