#include "engine/communicator/placement.hpp"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cstdlib>
#include <set>
#include <string_view>
#include <vector>

#include "engine/error.hpp"
#include "engine/threads.hpp"
#include "kernels/device_memory.hpp"

namespace bptplr {
namespace {

/// Returns a character for each processor: '1' where this process may run on it.
std::string allowed_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::string text(CPU_SETSIZE, '0');
  if (::sched_getaffinity(0, sizeof(set), &set) != 0) return text;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (CPU_ISSET(i, &set)) text[i] = '1';
  }
  return text;
}

/// Returns `text` of the ranks of this host, in their order.
std::vector<std::string> gather_on_host(Communicator& group, const std::string& text) {
  const std::string host = host_name() + '\n';
  std::vector<std::string> found;
  for (const std::string& of : group.gather(host + text)) {
    if (of.starts_with(host)) found.push_back(of.substr(host.size()));
  }
  return found;
}

}  // namespace

std::string host_name() {
  std::array<char, HOST_NAME_MAX + 1> name{};
  ::gethostname(name.data(), name.size() - 1);
  return name.data();
}

int processors_of_rank(Communicator& group) {
  const std::string own = allowed_processors();
  const std::vector<std::string> all = gather_on_host(group, own);
  double share = 0.0;
  for (std::size_t i = 0; i < own.size(); ++i) {
    if (own[i] == '0') continue;
    share += 1.0 / static_cast<double>(
                       std::ranges::count_if(all, [i](const auto& of) { return of[i] == '1'; }));
  }
  constexpr double kRounding = 1e-6;
  return std::max(1, static_cast<int>(share + kRounding));
}

int use_threads(Communicator& group, std::int64_t threads) {
  const int share = processors_of_rank(group);
  const bool is_chosen = threads > 0 || std::getenv("OMP_NUM_THREADS") != nullptr;
  return use_threads(is_chosen || group.is_alone() ? threads : share);
}

std::string unused_processors(Communicator& group) {
  const std::vector<std::string> all = gather_on_host(group, allowed_processors());
  // Open MPI notes where it has bound a rank; what else limits a process is the machine's own.
  if (std::getenv("OMPI_MCA_orte_bound_at_launch") == nullptr) return "";
  std::set<std::size_t> used;
  for (const std::string& of : all) {
    for (std::size_t i = 0; i < of.size(); ++i) {
      if (of[i] == '1') used.insert(i);
    }
  }
  const auto online = static_cast<std::size_t>(std::max(1L, ::sysconf(_SC_NPROCESSORS_ONLN)));
  if (used.size() >= online) return "";
  return fmt::format(
      "mpirun has bound the {} ranks of {} to {} of its {} processors; mpirun --bind-to none lets "
      "them use all",
      all.size(), host_name(), used.size(), online);
}

void take_gpu(Communicator& group) {
  const int count = kernels::device_count();
  const char* visible = std::getenv("CUDA_VISIBLE_DEVICES");
  const std::vector<std::string> shown = gather_on_host(group, visible == nullptr ? "" : visible);
  const std::set<std::string> kinds(shown.begin(), shown.end());
  const bool has_own = count == 1 && kinds.size() == shown.size();
  const bool fits = count == 0 || has_own || group.local_size() <= count;
  const std::string wrong =
      fits ? ""
           : fmt::format("{} has {} GPU{} for {} ranks; start at most one rank a GPU", host_name(),
                         count, count == 1 ? "" : "s", group.local_size());
  for (const std::string& of : group.gather(wrong)) require(of.empty(), "{}", of);
  if (count > 0 && !group.is_alone()) use_gpu(has_own ? 0 : group.local_rank());
}

}  // namespace bptplr
