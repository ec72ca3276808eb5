#include "tests/simt/executor.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <boost/context/fiber.hpp>
#include <boost/context/stack_context.hpp>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

namespace bptplr::simt {
namespace {

constexpr std::size_t kStackBytes = 256 << 10;  // AddressSanitizer's frames are large
constexpr unsigned kMaxBlockThreads = 1024;
constexpr std::size_t kCopyBytes = 16;

/// Stack of a thread: address space is reserved once, memory is used on first access.
class Stack {
 public:
  Stack()
      : memory_(mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)) {
    if (memory_ == MAP_FAILED) throw std::bad_alloc();
  }
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;
  ~Stack() { munmap(memory_, kStackBytes); }

  char* bottom() const { return static_cast<char*>(memory_); }

 private:
  void* memory_;
};

/// Lends one Stack to boost::context.
struct BorrowedStack {
  Stack* stack;
  boost::context::stack_context allocate() const {
    boost::context::stack_context context;
    context.size = kStackBytes;
    context.sp = stack->bottom() + kStackBytes;
    return context;
  }
  void deallocate(boost::context::stack_context&) const {}
};

// AddressSanitizer must be told whenever execution moves to another stack.
struct StackSwitch {
#if defined(__SANITIZE_ADDRESS__)
  void* fake = nullptr;
  void leave(const void* bottom, std::size_t size) {
    __sanitizer_start_switch_fiber(&fake, bottom, size);
  }
  void arrive(const void** bottom, std::size_t* size) {
    __sanitizer_finish_switch_fiber(fake, bottom, size);
  }
#else
  void leave(const void*, std::size_t) {}
  void arrive(const void**, std::size_t*) {}
#endif
};

enum class State { kReady, kAtBarrier, kAtWarp, kExited };

/// Lanes of one warp that reached an operation with the same mask. Values are kept for two
/// operations alternately: a lane can be at most one ahead of another.
struct Rendezvous {
  std::uint32_t arrived = 0;
  std::uint64_t generation = 0;
  std::uint64_t values[2][kWarpSize] = {};
  std::source_location where;
};

/// Copy of 16 bytes, see copy_later().
struct Copy {
  void* to;
  const void* from;
  unsigned group;

  void make() const {
    if (from == nullptr) {
      std::memset(to, 0, kCopyBytes);
    } else {
      std::memcpy(to, from, kCopyBytes);
    }
  }
};

struct Thread {
  boost::context::fiber fiber;
  boost::context::fiber scheduler;
  StackSwitch own_stack;
  State state = State::kExited;
  Dim3 index;
  unsigned number = 0;
  std::source_location where;  // where it waits
  std::vector<Copy> copies;    // not made yet, in order
  unsigned copy_group = 0;     // group of the next copy
  unsigned arrived_groups = 0, fenced_groups = 0;
  std::vector<std::function<void()>> products;  // not made yet, in order
};

std::string describe(std::source_location where) {
  std::ostringstream text;
  const std::string file = where.file_name();
  text << file.substr(file.rfind('/') + 1) << ":" << where.line();
  return text.str();
}

struct Abandoned {};  // unwinds the other threads of a block after an error

class Machine {
 public:
  void launch(Dim3 grid, Dim3 block, std::size_t shared_bytes,
              const std::function<void()>& kernel) {
    if (block.count() == 0 || block.count() > kMaxBlockThreads) {
      throw Error("a block has 1 to 1024 threads, not " + std::to_string(block.count()));
    }
    if (grid.y > 65535 || grid.z > 65535) throw Error("a grid's y and z end at 65,535");
    if (shared_bytes > 0 && shared_bytes + kStaticSharedBytes > gpu_.shared_bytes) {
      throw Error("a block of this GPU has at most " + std::to_string(gpu_.shared_bytes >> 10) +
                  " KiB of shared memory");
    }
    if (current_ != nullptr) throw Error("a kernel cannot launch a kernel here");
    kernel_ = &kernel;
    grid_ = grid;
    block_ = block;
    shared_ = {};
    if (shared_bytes > 0) shared_ = {device_malloc(shared_bytes), device_free};
    std::vector<std::size_t> order = ordered(grid.count());
    for (const std::size_t number : order) {
      block_idx_ = {static_cast<unsigned>(number % grid.x),
                    static_cast<unsigned>(number / grid.x % grid.y),
                    static_cast<unsigned>(number / grid.x / grid.y)};
      if (shared_bytes > 0) std::memset(shared_.get(), 0xff, shared_bytes);
      run_block();
    }
    check_guards();
    shared_ = {};
  }

  Thread& current() {
    if (current_ == nullptr) throw Error("this can be asked only inside a kernel");
    return *current_;
  }

  int block_barrier(bool predicate, std::source_location where) {
    Thread& self = current();
    if (at_barrier_ == 0) {
      barrier_count_ = 0;
      barrier_where_ = where;
    } else if (barrier_where_.line() != where.line() ||
               barrier_where_.file_name() != where.file_name()) {
      fail_at(self, "diverged barrier: threads of one block wait at " + describe(barrier_where_) +
                        " and at " + describe(where));
    }
    barrier_count_ += predicate ? 1 : 0;
    if (++at_barrier_ < threads_in_block_) {
      wait(self, State::kAtBarrier, where);
    } else {
      at_barrier_ = 0;
      barrier_result_ = barrier_count_;
      for (unsigned t = 0; t < threads_in_block_; ++t) {
        if (threads_[t].state == State::kAtBarrier) threads_[t].state = State::kReady;
      }
    }
    return barrier_result_;
  }

  const std::uint64_t* warp_exchange(
      std::uint32_t mask, std::uint64_t value, std::source_location where,
      const std::function<void(const std::uint64_t*)>& when_all_are_there = {}) {
    Thread& self = current();
    const unsigned lane = self.number % kWarpSize;
    if ((mask >> lane & 1u) == 0)
      fail_at(self, "a lane is not in its own mask at " + describe(where));
    Rendezvous& meeting = meetings_[{self.number / kWarpSize, mask}];
    if (meeting.arrived == 0) {
      meeting.where = where;
    } else if (meeting.where.line() != where.line()) {
      fail_at(self, "diverged warp: lanes of one warp wait at " + describe(meeting.where) +
                        " and at " + describe(where));
    }
    const std::uint64_t generation = meeting.generation;
    std::uint64_t* values = meeting.values[generation & 1];
    values[lane] = value;
    meeting.arrived |= 1u << lane;
    if (meeting.arrived != mask) {
      wait(self, State::kAtWarp, where, &meeting);
    } else {
      if (when_all_are_there) when_all_are_there(values);
      meeting.arrived = 0;
      ++meeting.generation;
      const unsigned first = self.number / kWarpSize * kWarpSize;
      for (unsigned l = 0; l < kWarpSize; ++l) {
        if ((mask >> l & 1u) != 0 && l != lane) threads_[first + l].state = State::kReady;
      }
    }
    return values;
  }

  void copy_later(void* to, const void* from) {
    Thread& self = current();
    const bool at_once = schedule_ == Schedule::kDescending ||
                         (schedule_ == Schedule::kShuffled && random_() % 2 == 0);
    const Copy copy{to, from, self.copy_group};
    if (at_once) {
      copy.make();
    } else {
      self.copies.push_back(copy);
    }
  }

  void wait_for_copies(unsigned pending) {
    Thread& self = current();
    const auto end = std::find_if(self.copies.begin(), self.copies.end(), [&](const Copy& copy) {
      return copy.group + pending >= self.copy_group;
    });
    std::for_each(self.copies.begin(), end, [](const Copy& copy) { copy.make(); });
    self.copies.erase(self.copies.begin(), end);
    self.arrived_groups = self.copy_group - std::min(pending, self.copy_group);
  }

  void product_later(std::function<void()> product) {
    if (schedule_ != Schedule::kAscending) return product();
    current().products.push_back(std::move(product));
  }

  [[noreturn]] void fail_at(const Thread& self, const std::string& what) {
    if (error_.empty()) {
      error_ = what + " (block " + std::to_string(block_idx_.x) + "," +
               std::to_string(block_idx_.y) + "," + std::to_string(block_idx_.z) + ", thread " +
               std::to_string(self.number) + ")";
    }
    throw Abandoned{};
  }

  Dim3 grid_, block_, block_idx_;
  std::shared_ptr<void> shared_;
  Gpu gpu_;
  std::function<float()> clock_;
  Schedule schedule_ = Schedule::kAscending;

 private:
  std::vector<std::size_t> ordered(std::size_t count) {
    std::vector<std::size_t> order(count);
    for (std::size_t i = 0; i < count; ++i) order[i] = i;
    if (schedule_ == Schedule::kDescending) std::reverse(order.begin(), order.end());
    if (schedule_ == Schedule::kShuffled) std::shuffle(order.begin(), order.end(), random_);
    return order;
  }

  void run_block() {
    threads_in_block_ = static_cast<unsigned>(block_.count());
    while (stacks_.size() < threads_in_block_) stacks_.push_back(std::make_unique<Stack>());
    if (threads_.size() < threads_in_block_) threads_.resize(threads_in_block_);
    meetings_.clear();
    at_barrier_ = 0;
    error_.clear();
    for (unsigned t = 0; t < threads_in_block_; ++t) start(t);
    std::vector<std::size_t> order = ordered(threads_in_block_);
    while (error_.empty() && resume_in_turn(order)) {
      if (schedule_ == Schedule::kShuffled) std::shuffle(order.begin(), order.end(), random_);
    }
    report_waiting_threads();
    if (!error_.empty()) {
      abandon();
      throw Error(error_);
    }
  }

  /// Gives every thread a turn; returns false if none could run. Shuffled, a turn ends at whatever
  /// the thread waits for. Otherwise a warp runs until it must wait for other warps: ending at the
  /// first warp operation would make all warps reach it before any continues, like a barrier.
  bool resume_in_turn(const std::vector<std::size_t>& order) {
    if (schedule_ == Schedule::kShuffled) return resume_ready(order.begin(), order.end());
    bool progress = false;
    for (auto first = order.begin(); first != order.end();) {
      const std::size_t warp = *first / kWarpSize;
      const auto last =
          std::find_if(first, order.end(), [&](std::size_t t) { return t / kWarpSize != warp; });
      while (resume_ready(first, last)) progress = true;
      first = last;
    }
    return progress;
  }

  using ThreadNumber = std::vector<std::size_t>::const_iterator;

  /// Resumes each ready thread once; returns false if none is ready.
  bool resume_ready(ThreadNumber first, ThreadNumber last) {
    bool progress = false;
    for (; first != last; ++first) {
      if (threads_[*first].state != State::kReady) continue;
      progress = true;
      resume(threads_[*first]);
    }
    return progress;
  }

  void start(unsigned number) {
    Thread& thread = threads_[number];
    thread.number = number;
    thread.index = {number % block_.x, number / block_.x % block_.y, number / block_.x / block_.y};
    thread.state = State::kReady;
    thread.copies.clear();
    thread.copy_group = thread.arrived_groups = thread.fenced_groups = 0;
    thread.products.clear();
    thread.fiber = boost::context::fiber(
        std::allocator_arg, BorrowedStack{stacks_[number].get()},
        [this, &thread](boost::context::fiber&& scheduler) {
          thread.own_stack.arrive(&scheduler_bottom_, &scheduler_size_);
          thread.scheduler = std::move(scheduler);
          try {
            (*kernel_)();
          } catch (const Abandoned&) {
          }
          thread.state = State::kExited;
          StackSwitch last;  // the stack is left for good
#if defined(__SANITIZE_ADDRESS__)
          __sanitizer_start_switch_fiber(nullptr, scheduler_bottom_, scheduler_size_);
#endif
          static_cast<void>(last);
          return std::move(thread.scheduler);
        });
  }

  void resume(Thread& thread) {
    current_ = &thread;
    StackSwitch here;
    here.leave(stacks_[thread.number]->bottom(), kStackBytes);
    thread.fiber = std::move(thread.fiber).resume();
    here.arrive(nullptr, nullptr);
    current_ = nullptr;
  }

  void wait(Thread& self, State state, std::source_location where, Rendezvous* meeting = nullptr) {
    self.state = state;
    self.where = where;
    const std::uint64_t generation = meeting == nullptr ? 0 : meeting->generation;
    do {
      self.own_stack.leave(scheduler_bottom_, scheduler_size_);
      self.scheduler = std::move(self.scheduler).resume();
      self.own_stack.arrive(&scheduler_bottom_, &scheduler_size_);
      if (!error_.empty()) throw Abandoned{};
    } while (meeting != nullptr && meeting->generation == generation);
  }

  /// Sets the error if threads still wait, as none can run any more.
  void report_waiting_threads() {
    unsigned waiting = 0;
    const Thread* example = nullptr;
    for (unsigned t = 0; t < threads_in_block_; ++t) {
      if (threads_[t].state == State::kExited) continue;
      ++waiting;
      if (example == nullptr) example = &threads_[t];
    }
    if (waiting == 0 || !error_.empty()) return;
    error_ = "diverged " + std::string(example->state == State::kAtBarrier ? "barrier" : "warp") +
             ": " + std::to_string(waiting) + " of " + std::to_string(threads_in_block_) +
             " threads wait, thread " + std::to_string(example->number) + " at " +
             describe(example->where) + ", and the others have ended or wait elsewhere";
  }

  /// Lets every waiting thread unwind its stack.
  void abandon() {
    for (unsigned t = 0; t < threads_in_block_; ++t) {
      while (threads_[t].state != State::kExited) resume(threads_[t]);
    }
  }

  const std::function<void()>* kernel_ = nullptr;
  std::vector<std::unique_ptr<Stack>> stacks_;
  std::vector<Thread> threads_;
  std::map<std::pair<unsigned, std::uint32_t>, Rendezvous> meetings_;
  std::mt19937 random_{1};
  Thread* current_ = nullptr;
  unsigned threads_in_block_ = 0;
  unsigned at_barrier_ = 0;
  int barrier_count_ = 0;
  int barrier_result_ = 0;
  std::source_location barrier_where_;
  std::string error_;
  const void* scheduler_bottom_ = nullptr;
  std::size_t scheduler_size_ = 0;
};

Machine& machine() {
  static Machine instance;
  return instance;
}

}  // namespace

Schedule current_schedule() {
  return machine().schedule_;
}

void set_schedule(Schedule schedule) {
  machine().schedule_ = schedule;
}

const Gpu& gpu() {
  return machine().gpu_;
}
void set_gpu(const Gpu& simulated) {
  machine().gpu_ = simulated;
}

void set_clock(std::function<float()> milliseconds) {
  machine().clock_ = std::move(milliseconds);
}
float elapsed_milliseconds() {
  return machine().clock_ ? machine().clock_() : 1e-3F;
}

void launch(Dim3 grid, Dim3 block, std::size_t shared_bytes, const std::function<void()>& kernel) {
  const OpenMemory open;  // shared memory is there, too
  machine().launch(grid, block, shared_bytes, kernel);
}

Dim3 thread_idx() {
  return machine().current().index;
}
Dim3 block_idx() {
  return machine().block_idx_;
}
Dim3 block_dim() {
  return machine().block_;
}
Dim3 grid_dim() {
  return machine().grid_;
}
void* dynamic_shared() {
  return machine().shared_.get();
}
unsigned lane() {
  return machine().current().number % kWarpSize;
}

int block_barrier(bool predicate, std::source_location where) {
  return machine().block_barrier(predicate, where);
}

const std::uint64_t* warp_exchange(std::uint32_t mask, std::uint64_t value,
                                   std::source_location where) {
  return machine().warp_exchange(mask, value, where);
}

void warp_together(void* operands, const std::function<void(void* const* operands)>& work,
                   std::source_location where) {
  machine().warp_exchange(0xffffffffu, reinterpret_cast<std::uintptr_t>(operands), where,
                          [&](const std::uint64_t* brought) {
                            void* of_lanes[kWarpSize];
                            for (unsigned l = 0; l < kWarpSize; ++l) {
                              of_lanes[l] =
                                  reinterpret_cast<void*>(static_cast<std::uintptr_t>(brought[l]));
                            }
                            work(of_lanes);
                          });
}

void copy_later(void* to, const void* from) {
  machine().copy_later(to, from);
}
void commit_copies() {
  ++machine().current().copy_group;
}
void wait_for_copies(unsigned pending) {
  machine().wait_for_copies(pending);
}
void fence_copies() {
  machine().current().fenced_groups = machine().current().arrived_groups;
}
void require_fenced_copies(std::source_location where) {
  const Thread& self = machine().current();
  if (self.fenced_groups == self.arrived_groups) return;
  fail("the tensor cores read a copy that the thread has not fenced (fence.proxy.async)", where);
}

void product_later(std::function<void()> product) {
  machine().product_later(std::move(product));
}
void wait_for_products() {
  for (const auto& product : std::exchange(machine().current().products, {})) product();
}

void fail(const char* rule, std::source_location where) {
  machine().fail_at(machine().current(), std::string(rule) + " at " + describe(where));
}

}  // namespace bptplr::simt
