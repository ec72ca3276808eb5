# MPI, where it is found: without it a process is always alone. Its C functions are all we call.
set(group ${CMAKE_SOURCE_DIR}/engine/communicator/mpi/no_mpi.cpp)
set(BPTPLR_MPI_FOUND OFF)
if(BPTPLR_MPI)
  find_package(MPI QUIET COMPONENTS CXX)
  set(BPTPLR_MPI_FOUND ${MPI_CXX_FOUND})  # for the tests, NCCL and packages
  if(MPI_CXX_FOUND)
    set(group ${CMAKE_SOURCE_DIR}/engine/communicator/mpi/mpi_group.cpp)
    set_source_files_properties(${group} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON COMPILE_DEFINITIONS
                                "OMPI_SKIP_MPICXX=1;MPICH_SKIP_MPICXX=1")
    target_link_libraries(bptplr_engine PRIVATE MPI::MPI_CXX)
  else()
    message(STATUS "no MPI found: runs are trained by one process")
  endif()
endif()
target_sources(bptplr_engine PRIVATE ${group})
