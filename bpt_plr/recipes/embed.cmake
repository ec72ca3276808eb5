# Puts every recipe in this folder into the library: its name, its line "about" and its JSON.
file(GLOB recipe_files CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/*.json)
set(BPTPLR_RECIPE_ROWS "")
foreach(recipe_file ${recipe_files})
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${recipe_file})
  file(READ ${recipe_file} recipe_json)
  string(JSON recipe_about GET "${recipe_json}" about)
  cmake_path(GET recipe_file STEM LAST_ONLY recipe_name)
  string(APPEND BPTPLR_RECIPE_ROWS
         "      {\"${recipe_name}\", R\"~(${recipe_about})~\",\n       R\"~(${recipe_json})~\"},\n")
endforeach()
configure_file(${CMAKE_CURRENT_LIST_DIR}/builtin_recipes.cpp.in
               ${CMAKE_BINARY_DIR}/generated/builtin_recipes.cpp @ONLY)
target_sources(bptplr_method PRIVATE ${CMAKE_BINARY_DIR}/generated/builtin_recipes.cpp)
