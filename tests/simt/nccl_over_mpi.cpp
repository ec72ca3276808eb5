// NCCL under the executor: a call is queued on its stream like a kernel, so that it is recorded and
// replayed like one, and exchanges the ranks' values by MPI when it runs. Besides, it checks what
// NCCL does not: that all ranks make the same call. A group of one rank needs no MPI.
#include <mpi.h>
#include <nccl.h>

#include <array>
#include <cstring>
#include <vector>

#include "tests/simt/executor.hpp"

struct ncclComm {
  MPI_Comm comm = MPI_COMM_NULL;
  int ranks = 1;
};

namespace bptplr::simt {
namespace {

ncclResult_t reported = ncclSuccess;

enum class Call { kAllGather = 1, kAllReduce };

void require_same_call(const ncclComm& group, Call call, std::size_t count, ncclDataType_t type) {
  // The largest of each number and of its negative.
  std::array<long long, 6> numbers{static_cast<long long>(call), static_cast<long long>(count),
                                   static_cast<long long>(type)};
  for (std::size_t i = 0; i < 3; ++i) numbers[i + 3] = -numbers[i];
  MPI_Allreduce(MPI_IN_PLACE, numbers.data(), 6, MPI_LONG_LONG, MPI_MAX, group.comm);
  for (std::size_t i = 0; i < 3; ++i) {
    if (numbers[i] != -numbers[i + 3]) throw Error("the ranks made different calls of NCCL");
  }
}

/// MPI gets memory of the host: other processes may read what it is given.
void gather(const ncclComm& group, const char* own, char* all, std::size_t bytes) {
  require_same_call(group, Call::kAllGather, bytes, ncclUint8);
  const std::vector<char> sent(own, own + bytes);
  std::vector<char> received(bytes * static_cast<std::size_t>(group.ranks));
  MPI_Allgather(sent.data(), static_cast<int>(bytes), MPI_BYTE, received.data(),
                static_cast<int>(bytes), MPI_BYTE, group.comm);
  std::memcpy(all, received.data(), received.size());
}

template <class T>
void reduce(const ncclComm& group, const T* own, T* sum, std::size_t count, ncclDataType_t type) {
  require_same_call(group, Call::kAllReduce, count, type);
  std::vector<T> values(own, own + count);
  MPI_Allreduce(MPI_IN_PLACE, values.data(), static_cast<int>(count),
                type == ncclFloat64 ? MPI_DOUBLE : MPI_FLOAT, MPI_SUM, group.comm);
  std::memcpy(sum, values.data(), count * sizeof(T));
}

}  // namespace

void set_nccl_error(ncclResult_t error) {
  reported = error;
}

}  // namespace bptplr::simt

using namespace bptplr::simt;

ncclResult_t ncclGetVersion(int* version) {
  *version = 20000;
  return ncclSuccess;
}

const char* ncclGetErrorString(ncclResult_t result) {
  switch (result) {
    case ncclSuccess:
      return "no error";
    case ncclInvalidArgument:
      return "invalid argument";
    case ncclRemoteError:
      return "remote process exited or there was a network error";
    default:
      return "in progress";
  }
}

const char* ncclGetLastError(ncclComm_t) {
  return "";
}

ncclResult_t ncclGetUniqueId(ncclUniqueId* id) {
  static int made = 0;
  std::memset(id, 0, sizeof(*id));
  std::memcpy(id, &++made, sizeof(made));
  return ncclSuccess;
}

ncclResult_t ncclCommInitRankConfig(ncclComm_t* comm, int ranks, ncclUniqueId id, int rank,
                                    ncclConfig_t*) {
  auto* made = new ncclComm{MPI_COMM_NULL, ranks};
  *comm = made;
  if (ranks == 1) return ncclSuccess;
  int mpi_rank = 0;
  int mpi_ranks = 0;
  MPI_Comm_dup(MPI_COMM_WORLD, &made->comm);
  MPI_Comm_rank(made->comm, &mpi_rank);
  MPI_Comm_size(made->comm, &mpi_ranks);
  ncclUniqueId first = id;
  MPI_Bcast(&first, sizeof(first), MPI_BYTE, 0, made->comm);
  const bool agree = std::memcmp(&first, &id, sizeof(id)) == 0;
  return agree && rank == mpi_rank && ranks == mpi_ranks ? ncclSuccess : ncclInvalidArgument;
}

ncclResult_t ncclCommDestroy(ncclComm_t comm) {
  if (comm->comm != MPI_COMM_NULL) MPI_Comm_free(&comm->comm);
  delete comm;
  return ncclSuccess;
}

ncclResult_t ncclCommAbort(ncclComm_t comm) {
  delete comm;
  return ncclSuccess;
}

ncclResult_t ncclCommGetAsyncError(ncclComm_t, ncclResult_t* error) {
  *error = reported;
  return ncclSuccess;
}

ncclResult_t ncclAllGather(const void* own, void* all, std::size_t count, ncclDataType_t type,
                           ncclComm_t comm, cudaStream_t stream) {
  if (type != ncclUint8) return ncclInvalidArgument;
  queue(stream, [=] {
    if (comm->ranks == 1) {
      std::memmove(all, own, count);
    } else {
      gather(*comm, static_cast<const char*>(own), static_cast<char*>(all), count);
    }
  });
  return ncclSuccess;
}

ncclResult_t ncclAllReduce(const void* own, void* sum, std::size_t count, ncclDataType_t type,
                           ncclRedOp_t, ncclComm_t comm, cudaStream_t stream) {
  if (own != sum) return ncclInvalidArgument;  // all that is used
  queue(stream, [=] {
    if (comm->ranks == 1) return;
    if (type == ncclFloat64) {
      reduce(*comm, static_cast<const double*>(own), static_cast<double*>(sum), count, type);
    } else {
      reduce(*comm, static_cast<const float*>(own), static_cast<float*>(sum), count, type);
    }
  });
  return ncclSuccess;
}
