# The CUDA backend: our kernels by nvcc, the calls of NVIDIA's libraries by the host compiler.
file(GLOB cuda_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/kernels/cuda/*.cu
     ${CMAKE_SOURCE_DIR}/kernels/cuda/*.cpp ${CMAKE_SOURCE_DIR}/kernels/cuda/libraries/*.cpp)
add_library(bptplr_backend OBJECT ${cuda_sources})
target_compile_options(bptplr_backend PRIVATE
  $<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-Wall,-Wextra>
  # Registers and spills are part of what a kernel costs: the build says them (docs/profiling.md).
  $<$<COMPILE_LANGUAGE:CUDA>:-Xptxas=-v -lineinfo>)
# Views equal the CPU's to the bit, so no multiplication is fused with an addition there.
set_source_files_properties(${CMAKE_SOURCE_DIR}/kernels/cuda/augment.cu PROPERTIES
                            COMPILE_OPTIONS -fmad=false)
target_include_directories(bptplr_backend SYSTEM PRIVATE ${CUDNN_INCLUDE_DIR})
target_link_libraries(bptplr_backend PUBLIC bptplr_options CUDA::cudart CUDA::cublasLt
                      ${CUDNN_LIBRARY})
