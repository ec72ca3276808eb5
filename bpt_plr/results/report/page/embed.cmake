# Puts the pages of reports into the library.
foreach(file frame.html page.html compare.html review.html style.css charts.js page.js compare.js
        review.js)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/${file})
  file(READ ${CMAKE_CURRENT_LIST_DIR}/${file} ${file})
endforeach()
configure_file(${CMAKE_CURRENT_LIST_DIR}/report_files.cpp.in
               ${CMAKE_BINARY_DIR}/generated/report_files.cpp @ONLY)
target_sources(bptplr_report PRIVATE ${CMAKE_BINARY_DIR}/generated/report_files.cpp)
