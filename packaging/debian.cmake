# `cpack -G DEB` in the build folder makes the Debian package of the component `program`.
set(BPTPLR_MAINTAINER "The bptplr authors <authors@bptplr.example>" CACHE STRING
    "Who makes the Debian package")

# What Debian wants beside the documents of every system.
configure_file(debian/changelog.in changelog @ONLY)
add_custom_command(OUTPUT changelog.gz
                   COMMAND ${GZIP} -9nc ${CMAKE_CURRENT_BINARY_DIR}/changelog > changelog.gz
                   DEPENDS ${CMAKE_CURRENT_BINARY_DIR}/changelog VERBATIM)
add_custom_target(debian_changelog ALL DEPENDS changelog.gz)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/changelog.gz debian/copyright
        DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT program)

set(CPACK_GENERATOR DEB)
set(CPACK_COMPONENTS_ALL program)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_PACKAGE_MAINTAINER "${BPTPLR_MAINTAINER}")
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_NAME bptplr)
set(CPACK_DEBIAN_PROGRAM_FILE_NAME DEB-DEFAULT)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "train image classifiers through wrong labels")
if(BPTPLR_NATIVE)
  set(processor "This package runs on processors like the one that built it.")
else()
  set(processor "It needs a processor with AVX2 (x86-64-v3), and uses AVX-512 where that is.")
endif()
set(CPACK_DEBIAN_PROGRAM_DESCRIPTION "Trains image classifiers on data with wrong labels, and tells which\n\
labels are wrong, by BPT-PLR and the methods that it builds on.\n${processor}")
include(CPack)
