// The group of processes that an MPI launcher started. Only the main thread calls MPI.
#include <mpi.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <climits>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string_view>
#include <thread>
#include <vector>

#include "engine/communicator/mpi/mpi.hpp"
#include "engine/communicator/supervision.hpp"
#include "engine/dispatch.hpp"
#include "engine/error.hpp"
#include "kernels/collectives.hpp"

namespace bptplr::mpi {
namespace {

/// Throws Error unless an MPI function has succeeded.
void check(int code, const char* what) {
  if (code == MPI_SUCCESS) return;
  std::array<char, MPI_MAX_ERROR_STRING> text{};
  int length = 0;
  MPI_Error_string(code, text.data(), &length);
  throw Error("the ranks could not {}: {}; start again with --resume", what,
              std::string_view(text.data(), static_cast<std::size_t>(length)));
}

/// MPI counts in int.
int count_of(std::size_t n) {
  require(n <= INT_MAX, "{} elements are more than a message of MPI can hold", n);
  return static_cast<int>(n);
}

MPI_Datatype type_of(DType dtype) {
  return dtype == DType::kFloat64 ? MPI_DOUBLE : MPI_FLOAT;
}

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

class MpiGroup final : public Communicator {
 public:
  MpiGroup() {
    check(MPI_Comm_dup(MPI_COMM_WORLD, &world_), "meet");
    check(MPI_Comm_dup(MPI_COMM_WORLD, &sums_), "meet");
    for (const MPI_Comm comm : {MPI_COMM_WORLD, world_, sums_}) {
      MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN);
    }
    MPI_Comm_rank(world_, &rank_);
    MPI_Comm_size(world_, &size_);
    MPI_Comm host = MPI_COMM_NULL;
    check(MPI_Comm_split_type(world_, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &host),
          "find those of their host");
    MPI_Comm_rank(host, &local_rank_);
    MPI_Comm_size(host, &local_size_);
    MPI_Comm_free(&host);
  }
  /// Without leave() other ranks may be gone, for whom the end of their group would wait.
  ~MpiGroup() override { static_cast<void>(gpus_.release()); }

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  int local_rank() const override { return local_rank_; }
  int local_size() const override { return local_size_; }

  void use(Device device) override {
    if (device.type == DeviceType::kCpu || (gpus_ != nullptr && device == gpu_)) return;
    require(kernels::has_collectives(),
            "this bptplr cannot sum on GPUs ({}); use --device cpu, start a single process, or "
            "build it with CUDA, MPI and NCCL",
            kernels::collectives_description());
    const std::string id = broadcast(rank_ == 0 ? kernels::make_group_id() : "");
    gpus_.reset();
    gpus_ = kernels::make_device_group(cuda_context(device), id, rank_, size_);
    gpu_ = device;
  }

  void all_gather(Device device, const void* own, void* all, std::size_t bytes) override {
    traffic_.gathered += static_cast<double>(bytes) * (size_ - 1);
    if (is_gpu(device)) return queue([&] { gpus_->all_gather(own, all, bytes); });
    timed([&] {
      check(MPI_Allgather(own, count_of(bytes), MPI_BYTE, all, count_of(bytes), MPI_BYTE, world_),
            "gather a batch");
    });
  }

  void sum(Device device, double* values, std::int64_t count) override {
    count_sum(sizeof(double), count);
    if (is_gpu(device)) return queue([&] { gpus_->sum(values, count); });
    timed([&] {
      check(MPI_Allreduce(MPI_IN_PLACE, values, count_of(static_cast<std::size_t>(count)),
                          MPI_DOUBLE, MPI_SUM, world_),
            "sum statistics");
    });
  }

  // The passes over the network call MPI all the time, which lets these sums go on beside them.
  void begin_sum(Device device, DType dtype, void* values, std::int64_t count) override {
    count_sum(element_size(dtype), count);
    if (is_gpu(device)) {
      return queue([&] {
        if (dtype == DType::kFloat64) {
          gpus_->begin_sum(static_cast<double*>(values), count);
        } else {
          gpus_->begin_sum(static_cast<float*>(values), count);
        }
      });
    }
    timed([&] {
      begun_.emplace_back();
      check(MPI_Iallreduce(MPI_IN_PLACE, values, count_of(static_cast<std::size_t>(count)),
                           type_of(dtype), MPI_SUM, sums_, &begun_.back()),
            "sum gradients");
    });
  }

  void finish_sums(Device device) override {
    if (is_gpu(device)) return queue([&] { gpus_->finish_sums(); });
    timed([&] {
      check(MPI_Waitall(count_of(begun_.size()), begun_.data(), MPI_STATUSES_IGNORE),
            "sum gradients");
    });
    begun_.clear();
  }

  std::string broadcast(std::string bytes) override {
    auto length = static_cast<unsigned long long>(bytes.size());
    check(MPI_Bcast(&length, 1, MPI_UNSIGNED_LONG_LONG, 0, world_), "hear of rank 0");
    bytes.resize(length);
    constexpr std::size_t kPart = 1U << 30U;
    for (std::size_t begin = 0; begin < bytes.size(); begin += kPart) {
      const std::size_t part = std::min(kPart, bytes.size() - begin);
      check(MPI_Bcast(bytes.data() + begin, count_of(part), MPI_BYTE, 0, world_), "hear of rank 0");
    }
    return bytes;
  }

  std::vector<std::string> gather(const std::string& bytes) override {
    const auto ranks = static_cast<std::size_t>(size_);
    const int own = count_of(bytes.size());
    std::vector<int> lengths(ranks);
    check(MPI_Allgather(&own, 1, MPI_INT, lengths.data(), 1, MPI_INT, world_),
          "hear of each other");
    std::vector<int> begins(ranks);
    std::size_t total = 0;
    for (std::size_t i = 0; i < ranks; ++i) {
      begins[i] = count_of(total);
      total += static_cast<std::size_t>(lengths[i]);
    }
    std::string all(total, '\0');
    check(MPI_Allgatherv(bytes.data(), own, MPI_BYTE, all.data(), lengths.data(), begins.data(),
                         MPI_BYTE, world_),
          "hear of each other");
    std::vector<std::string> parts;
    for (std::size_t i = 0; i < ranks; ++i) {
      parts.push_back(
          all.substr(static_cast<std::size_t>(begins[i]), static_cast<std::size_t>(lengths[i])));
    }
    return parts;
  }

  bool any(bool value) override {
    int any = value ? 1 : 0;
    check(MPI_Allreduce(MPI_IN_PLACE, &any, 1, MPI_INT, MPI_MAX, world_), "agree");
    return any != 0;
  }

  // MPI's own barrier keeps a processor busy that another rank may need for an hour of loading.
  void barrier() override {
    MPI_Request request = MPI_REQUEST_NULL;
    check(MPI_Ibarrier(world_, &request), "meet");
    int met = 0;
    while (true) {
      check(MPI_Test(&request, &met, MPI_STATUS_IGNORE), "meet");
      if (met != 0) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  }

  void fail(const std::string& sentence) override {
    using std::chrono::seconds;
    // Ranks that fail alike leave it to the first one, whose end is that of all.
    if (rank_ > 0) std::this_thread::sleep_for(seconds(1));
    if (rank_ == 0) print_failure(sentence);
    if (supervision_) supervision_->report_failure(sentence);
    if (rank_ > 0) {
      std::this_thread::sleep_for(seconds(4));
      print_failure(fmt::format("{} failed: {}", rank_name(rank_), sentence));
    }
    ::_exit(1);  // the launcher, and where it does not, the supervision ends the others
  }

  void leave() override {
    barrier();
    gpus_.reset();
    supervision_.reset();
    MPI_Finalize();
  }

  /// Makes the ranks watch each other, beside MPI, in which a rank waits for a dead one for ever.
  void supervise() {
    std::optional<SupervisionPort> port;
    std::string endpoint;
    if (rank_ == 0) {
      try {
        port.emplace();
        endpoint = port->endpoint();
      } catch (const Error&) {
        broadcast("");  // the others say that they were told no address
        throw;
      }
    }
    endpoint = broadcast(endpoint);
    const std::vector<std::string> names = gather(rank_name(rank_));
    const auto on_lost = [rank = rank_](const std::string& sentence) { end(rank, sentence); };
    if (port) {
      supervision_.emplace(std::move(*port), names, on_lost);
    } else {
      supervision_.emplace(rank_, endpoint, names, on_lost);
    }
  }

 private:
  /// Ends this rank, whose main thread may be waiting in MPI, after others were lost. One rank
  /// speaks, unless its end does not end the others.
  [[noreturn]] static void end(int rank, const std::string& sentence) {
    const bool of_first = sentence.starts_with("rank 0 (");
    if (rank != (of_first ? 1 : 0)) std::this_thread::sleep_for(std::chrono::seconds(2));
    const bool has_spoken = sentence.find(") failed: ") != std::string::npos;
    if (!has_spoken) {
      print_failure(sentence + "; then the same command with --resume goes on");
    } else if (!of_first) {
      print_failure(sentence);
    }
    ::_exit(1);
  }

  /// Returns whether the device is this rank's GPU, which use() has prepared; false for the CPU.
  bool is_gpu(Device device) const {
    if (device.type == DeviceType::kCpu) return false;
    require(gpus_ != nullptr && device == gpu_, "the ranks have not met on {}", to_string(device));
    return true;
  }

  /// Queues a call on the GPU. Not measured, as neither its beginning nor its end is the host's,
  /// and a replayed iteration makes the call without the host: profilers show it.
  template <class Fn>
  void queue(Fn&& fn) {
    ++traffic_.calls;
    on_gpu(gpu_, [&](const auto& /*ctx*/) { fn(); });
  }

  template <class Fn>
  void timed(Fn&& fn) {
    ++traffic_.calls;
    if (!measures_) return fn();
    const double begin = now();
    check(MPI_Barrier(world_), "meet");
    const double met = now();
    fn();
    traffic_.waiting += met - begin;
    traffic_.communicating += now() - met;
  }

  void count_sum(std::size_t element, std::int64_t count) {
    traffic_.summed +=
        2.0 * (size_ - 1) / size_ * static_cast<double>(count) * static_cast<double>(element);
  }

  MPI_Comm world_ = MPI_COMM_NULL;
  MPI_Comm sums_ = MPI_COMM_NULL;  ///< those beside other work: messages of two calls never mix
  std::vector<MPI_Request> begun_;
  std::optional<Supervision> supervision_;
  std::unique_ptr<kernels::DeviceGroup> gpus_;  ///< null until use() of a GPU
  Device gpu_;
  int rank_ = 0;
  int size_ = 1;
  int local_rank_ = 0;
  int local_size_ = 1;
};

/// Throws Error, on all ranks, unless all are of one program.
void require_one_program(Communicator& group, const std::string& program) {
  const std::vector<std::string> programs = group.gather(program);
  for (std::size_t rank = 1; rank < programs.size(); ++rank) {
    require(programs[rank] == programs[0],
            "rank 0 runs {}, but rank {} runs {}; start the same bptplr on all hosts", programs[0],
            rank, programs[rank]);
  }
}

}  // namespace

std::string description() {
  std::array<char, MPI_MAX_LIBRARY_VERSION_STRING> text{};
  int length = 0;
  MPI_Get_library_version(text.data(), &length);
  const std::string_view all(text.data(), static_cast<std::size_t>(length));
  // "Open MPI v4.1.4, package: ..." or "MPICH Version:      4.0.2\nMPICH Release date: ...".
  std::string first(all.substr(0, all.find_first_of(",\n")));
  std::string line;
  for (const char c : first) {
    if (c == '\t' || (c == ' ' && !line.empty() && line.back() == ' ')) continue;
    line += c;
  }
  return line;
}

Communicator& join(const Launch& launch, const std::string& program) {
  int provided = 0;
  check(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided), "start MPI");
  static MpiGroup group;
  require(group.size() == launch.size,
          "{} started {} processes, but {}, with which this bptplr was built, finds {}: each would "
          "train the whole run; start them by its own mpirun, or by srun --mpi=pmix (srun "
          "--mpi=list names the kinds)",
          launch.launcher, launch.size, description(), group.size());
  require_one_program(group, program);
  group.supervise();
  return group;
}

}  // namespace bptplr::mpi
