# Files of ONNX are written by its own library, where there is one with which a model can be linked;
# Debian's has no CMake package in every release.
find_path(ONNX_INCLUDE_DIR onnx/onnx_pb.h)
find_library(ONNX_PROTO_LIBRARY onnx_proto)
find_package(Protobuf QUIET)
if(ONNX_INCLUDE_DIR AND ONNX_PROTO_LIBRARY AND Protobuf_FOUND)
  include(CheckCXXSourceCompiles)
  set(CMAKE_REQUIRED_DEFINITIONS -DONNX_ML=1 -DONNX_NAMESPACE=onnx)
  set(CMAKE_REQUIRED_INCLUDES ${ONNX_INCLUDE_DIR})
  set(CMAKE_REQUIRED_LIBRARIES ${ONNX_PROTO_LIBRARY} protobuf::libprotobuf)
  check_cxx_source_compiles("#include <onnx/onnx_pb.h>
    int main() { return static_cast<int>(onnx::ModelProto().ByteSizeLong()); }" BPTPLR_HAS_ONNX)
  unset(CMAKE_REQUIRED_DEFINITIONS)
  unset(CMAKE_REQUIRED_INCLUDES)
  unset(CMAKE_REQUIRED_LIBRARIES)
endif()
if(BPTPLR_HAS_ONNX)
  set(writer ${CMAKE_CURRENT_SOURCE_DIR}/results/export/writer/onnx_file.cpp)
  set_source_files_properties(${writer} PROPERTIES COMPILE_DEFINITIONS
    "ONNX_ML=1;ONNX_NAMESPACE=onnx;BPTPLR_VERSION=\"${PROJECT_VERSION}\"" SKIP_PRECOMPILE_HEADERS ON
    SKIP_UNITY_BUILD_INCLUSION ON)
  target_include_directories(bptplr_export SYSTEM PRIVATE ${ONNX_INCLUDE_DIR})
  target_link_libraries(bptplr_export PRIVATE ${ONNX_PROTO_LIBRARY} protobuf::libprotobuf)
else()
  set(writer ${CMAKE_CURRENT_SOURCE_DIR}/results/export/writer/no_onnx.cpp)
  message(STATUS "no libonnx found: bptplr export cannot write ONNX")
endif()
target_sources(bptplr_export PRIVATE ${writer})
