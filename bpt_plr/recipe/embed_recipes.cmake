# Puts the recipes of a folder into the library, as the function FUNCTION returns them: of every
# JSON file its name, its line "about" and the JSON.
function(bptplr_embed_recipes folder function)
  file(GLOB recipe_files CONFIGURE_DEPENDS ${folder}/*.json)
  set(BPTPLR_RECIPE_FUNCTION ${function})
  set(BPTPLR_RECIPE_ROWS "")
  foreach(recipe_file ${recipe_files})
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${recipe_file})
    file(READ ${recipe_file} recipe_json)
    string(JSON recipe_about GET "${recipe_json}" about)
    cmake_path(GET recipe_file STEM LAST_ONLY recipe_name)
    string(APPEND BPTPLR_RECIPE_ROWS
           "      {\"${recipe_name}\", R\"~(${recipe_about})~\",\n       R\"~(${recipe_json})~\"},\n")
  endforeach()
  set(generated ${CMAKE_BINARY_DIR}/generated/${function}.cpp)
  configure_file(${CMAKE_CURRENT_FUNCTION_LIST_DIR}/builtin_recipes.cpp.in ${generated} @ONLY)
  target_sources(bptplr_recipe PRIVATE ${generated})
endfunction()

bptplr_embed_recipes(${CMAKE_CURRENT_LIST_DIR}/methods builtin_methods)
bptplr_embed_recipes(${CMAKE_CURRENT_LIST_DIR}/recipes builtin_recipes)
