# The CUDA backend: our kernels by nvcc, the calls of NVIDIA's libraries by the host compiler.
file(GLOB_RECURSE cuda_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/kernels/cuda/*.cu
     ${CMAKE_SOURCE_DIR}/kernels/cuda/*.cpp)
list(FILTER cuda_sources EXCLUDE REGEX "/(no_cuda|no_nccl|collectives_nccl).cpp$|/hopper/[^/]*.cu$")
add_library(bptplr_backend OBJECT ${cuda_sources})
# wgmma is of Hopper's own target; what else the build is for, other GPUs never run this.
file(GLOB hopper_kernels CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/kernels/cuda/conv2d/hopper/*.cu)
add_library(bptplr_hopper OBJECT ${hopper_kernels})
set_target_properties(bptplr_hopper PROPERTIES CUDA_ARCHITECTURES 90a-real)
target_sources(bptplr_backend INTERFACE $<TARGET_OBJECTS:bptplr_hopper>)
target_link_libraries(bptplr_hopper PUBLIC bptplr_options CUDA::cudart)
foreach(target bptplr_backend bptplr_hopper)
  target_compile_options(${target} PRIVATE
    $<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-Wall,-Wextra>
    # Registers and spills are part of what a kernel costs: the build says them (docs/profiling.md).
    $<$<COMPILE_LANGUAGE:CUDA>:-Xptxas=-v -lineinfo>)
endforeach()
# Views equal the CPU's to the bit, so no multiplication is fused with an addition there.
set_source_files_properties(${CMAKE_SOURCE_DIR}/kernels/cuda/augment/augment.cu PROPERTIES
                            COMPILE_OPTIONS -fmad=false)
target_include_directories(bptplr_backend SYSTEM PRIVATE ${CUDNN_INCLUDE_DIR})
target_link_libraries(bptplr_backend PUBLIC bptplr_options CUDA::cudart CUDA::cublasLt
                      ${CUDNN_LIBRARY})
