// The seam between what is measured between ranks and what moves the bytes: sockets on the
// processor, or NCCL between GPUs.
//
// All operations are queued, in order, on the transport's one stream; on the processor they are
// done when they return. Every rank calls them in the same order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "base/units.h"
#include "calibration/comm/elements.h"
#include "calibration/launch/store.h"
#include "calibration/measure/backend.h"

namespace planewise::calibration {

/// Memory that a transport sends from and receives into; of a GPU's, data() is not to be read here.
class Memory {
 public:
  virtual ~Memory() = default;
  virtual std::byte* data() = 0;
  virtual std::size_t size() const = 0;
};

/// What one rank sends to, or receives from, another one of a group.
struct Message {
  int peer = 0;  ///< Index in the group.
  std::byte* data = nullptr;
  std::size_t size = 0;
};

/// Some ranks that exchange; what NCCL calls a communicator.
class CommGroup {
 public:
  virtual ~CommGroup() = default;
  virtual int size() const = 0;
  virtual int index() const = 0;  ///< Of this rank.

  /// `pair_size` bytes to each rank, itself among them.
  virtual void all_to_all(const std::byte* from, std::byte* to, std::size_t pair_size) = 0;
  /// All at once. What one sends the other one must receive, in the same order a pair.
  virtual void exchange(const std::vector<Message>& sends,
                        const std::vector<Message>& receives) = 0;
  virtual void all_reduce(const std::byte* from, std::byte* to, std::size_t count,
                          ElementType type) = 0;
  /// `count` elements for each rank.
  virtual void reduce_scatter(const std::byte* from, std::byte* to, std::size_t count,
                              ElementType type) = 0;
  /// `share` bytes of each rank.
  virtual void all_gather(const std::byte* from, std::byte* to, std::size_t share) = 0;
  /// From the first rank of the group.
  virtual void broadcast(const std::byte* from, std::byte* to, std::size_t size) = 0;
};

/// to[i] = from[index[i]] for rows of `row_size` bytes; an index below 0 leaves the row as it is.
struct RowCopy {
  std::byte* to = nullptr;
  const std::byte* from = nullptr;
  const std::int32_t* index = nullptr;  ///< In the transport's memory. Shape: [rows].
  std::size_t rows = 0;
  std::size_t row_size = 0;
};

/// to[i] = the sum over j < terms of from[index[i * terms + j]], rows of `columns` BF16 values,
/// summed in FP32; an index below 0 is nothing.
struct RowSum {
  std::byte* to = nullptr;
  const std::byte* from = nullptr;
  const std::int32_t* index = nullptr;  ///< In the transport's memory. Shape: [rows, terms].
  std::size_t rows = 0;
  int terms = 1;
  std::size_t columns = 0;
};

/// Queues one iteration of what is timed.
using Work = std::function<void()>;

class Transport {
 public:
  virtual ~Transport() = default;
  virtual std::string name() const = 0;               ///< `sockets`, `nccl 2.28.9`.
  virtual std::string gpu_bus() const { return {}; }  ///< PCI bus id; empty of the processor.
  virtual int device() const { return 0; }            ///< Of those that this process sees.
  /// What changes its times, such as its library's version: names and values of Environment.
  virtual std::map<std::string, std::string> settings() const { return {}; }
  virtual std::unique_ptr<Memory> allocate(std::size_t size) = 0;
  /// Both wait for what is queued.
  virtual void upload(std::byte* to, const void* from, std::size_t size) = 0;
  virtual void download(void* to, const std::byte* from, std::size_t size) = 0;
  virtual void copy_rows(const RowCopy& copy) = 0;
  virtual void sum_rows(const RowSum& sum) = 0;

  /// Called by all ranks of the world, each with its own group, which may be empty: then there is
  /// none. Throws PeerFailed, and std::runtime_error if the machine fails, as all below.
  virtual std::unique_ptr<CommGroup> make_group(const std::vector<int>& ranks) = 0;
  /// Of all ranks.
  virtual CommGroup& world() = 0;

  /// The times of `count` iterations, before each a barrier of all ranks of the world.
  virtual std::vector<Seconds> time_isolated(const Work& work, int count) = 0;
  /// `count` iterations without a pause after one barrier: the time of one.
  virtual Seconds time_streaming(const Work& work, int count) = 0;
};

struct TransportOptions {
  double timeout = 60;  ///< Seconds until an operation that does not end is given up.
};

/// Connects all ranks of `store` with each other, which must outlive it.
std::unique_ptr<Transport> make_socket_transport(Store& store, const TransportOptions& options);

/// NCCL on GPU `device`; none where there is none, or where the program was built without.
std::variant<std::unique_ptr<Transport>, NotMeasured> make_nccl_transport(
    Store& store, int device, const TransportOptions& options);

/// Why `ranks` ranks on this host cannot exchange by NCCL, one a GPU; empty if they can.
std::string nccl_problem(int ranks);

}  // namespace planewise::calibration
