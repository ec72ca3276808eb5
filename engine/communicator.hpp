// Group of the processes that train one run together, a rank each. MPI starts them and carries what
// the CPU holds, NCCL what GPUs hold; a process on its own is a group of one, whose calls do
// nothing. All functions but those about the group itself are collective: every rank calls them, in
// the same order and with the same lengths.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/tensor.hpp"

namespace bptplr {

class RowShards;
/// Rows that ranks share out; null in a group of one, where all rows are here.
using Shards = std::shared_ptr<const RowShards>;

/// What a rank has sent and received, and how long that took.
struct Traffic {
  /// Bytes that have to pass a rank's link: (N - 1) n to gather n bytes of each of N ranks,
  /// 2 (N - 1) / N n to sum n bytes (Patarasu and Yuan, JPDC 2009).
  double gathered = 0.0;
  double summed = 0.0;
  std::int64_t calls = 0;
  double waiting = 0.0;        ///< seconds until the last rank came; 0 unless measured, on a CPU
  double communicating = 0.0;  ///< seconds of the calls after that

  Traffic operator-(const Traffic& before) const {
    return {gathered - before.gathered, summed - before.summed, calls - before.calls,
            waiting - before.waiting, communicating - before.communicating};
  }
};

/// Writes "bptplr: error: <sentence>" to stderr, from any thread.
void print_failure(const std::string& sentence);

class Communicator {
 public:
  Communicator() = default;
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;
  virtual ~Communicator() = default;

  /// Returns the group of this process alone.
  static Communicator& alone();

  virtual int rank() const { return 0; }
  virtual int size() const { return 1; }
  bool is_first() const { return rank() == 0; }
  bool is_alone() const { return size() == 1; }
  /// Returns the place of this rank among those of its host, and their number.
  virtual int local_rank() const { return 0; }
  virtual int local_size() const { return 1; }

  // --- memory of a device, on which the calls queue their work ---------------------------------

  /// Prepares the group for a device of this rank, of the same type on all. Throws Error where a
  /// device has no way to the others.
  virtual void use(Device /*device*/) {}
  /// Writes the `bytes` at `own` of all ranks to `all` [size, bytes], in their order.
  virtual void all_gather(Device device, const void* own, void* all, std::size_t bytes) = 0;
  /// Adds up the values of all ranks, in place; every rank gets the same bits.
  virtual void sum(Device device, double* values, std::int64_t count) = 0;
  /// Starts to add up values of all ranks, float32 or float64, in place, beside what follows.
  virtual void begin_sum(Device device, DType dtype, void* values, std::int64_t count) = 0;
  /// Makes what follows on the device wait for all sums begun.
  virtual void finish_sums(Device device) = 0;

  // --- the host's memory, between iterations -------------------------------------------------

  /// Returns the bytes of rank 0; the other ranks' are not read.
  virtual std::string broadcast(std::string bytes) { return bytes; }
  /// Returns the bytes of all ranks.
  virtual std::vector<std::string> gather(const std::string& bytes) { return {bytes}; }
  /// Returns whether it is true on any rank.
  virtual bool any(bool value) { return value; }
  /// Waits, without using a processor, until all ranks have come.
  virtual void barrier() {}

  /// Ends all ranks, with exit code 1, and tells them why: this one has failed. The sentence is
  /// printed by one of them; of ranks that fail alike, only the first one's.
  [[noreturn]] virtual void fail(const std::string& sentence);
  /// Leaves the group: the last call. Without it the end of this process counts as a failure.
  virtual void leave() {}

  const Traffic& traffic() const { return traffic_; }
  /// Counts the calls of a recorded iteration, of which the host makes none.
  void add_traffic(const Traffic& more) { traffic_ = traffic_ - (Traffic{} - more); }
  /// Starts to count anew; `measures`: measures time too, for which ranks wait for each other at
  /// every call.
  void reset_traffic(bool measures) {
    traffic_ = {};
    measures_ = measures;
  }

  /// Returns how ranks share out a batch of these parts (row_shards.hpp), kept for later calls.
  Shards shards(const std::vector<std::int64_t>& parts, Device device);

 protected:
  Traffic traffic_;
  bool measures_ = false;

 private:
  struct KeptShards {
    Shards shards;
    std::int64_t last_use = 0;
  };
  std::map<std::pair<std::vector<std::int64_t>, int>, KeptShards> shards_;
  std::int64_t uses_ = 0;
};

}  // namespace bptplr
