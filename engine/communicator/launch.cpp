#include "engine/communicator/launch.hpp"

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "engine/communicator/mpi/mpi.hpp"
#include "engine/error.hpp"

namespace bptplr {
namespace {

std::optional<int> number_in(const char* variable) {
  const char* text = std::getenv(variable);
  if (text == nullptr) return std::nullopt;
  int value = 0;
  const char* end = text + std::strlen(text);
  const auto [stopped, error] = std::from_chars(text, end, value);
  return error == std::errc{} && stopped == end ? std::optional(value) : std::nullopt;
}

/// Variables of a launcher.
struct Variables {
  const char* rank;
  const char* size;
  const char* launcher;
};

// In this order: mpirun under Slurm starts its helpers by srun, whose variables its ranks inherit.
// A script of sbatch has SLURM_PROCID too, but is a step of one task, if of any.
constexpr Variables kVariables[] = {
    {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "mpirun (Open MPI)"},
    {"PMI_RANK", "PMI_SIZE", "mpiexec (PMI)"},
    {"SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "srun"}};

Communicator* joined = nullptr;

}  // namespace

Launch read_launch() {
  for (const Variables& of : kVariables) {
    const auto rank = number_in(of.rank);
    const auto size = number_in(of.size);
    if (rank && size && *size > 1 && *rank >= 0 && *rank < *size) {
      return {*rank, *size, of.launcher};
    }
  }
  return {};
}

Communicator& join_group(const std::string& program) {
  if (joined != nullptr) return *joined;
  const Launch launch = read_launch();
  if (launch.size == 1) return Communicator::alone();
  joined = &mpi::join(launch, program);
  return *joined;
}

Communicator* joined_group() {
  return joined;
}

std::string mpi_description() {
  return mpi::description();
}

}  // namespace bptplr
