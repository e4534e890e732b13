// The transport between GPUs: NCCL, one process a GPU.
#include <fmt/format.h>
#include <nccl.h>

#include <array>
#include <cstdlib>
#include <utility>

#include "base/check.h"
#include "calibration/comm/transport.h"
#include "calibration/cuda/comm_kernels.h"
#include "calibration/cuda/handles.h"
#include "calibration/cuda/kernels.h"
#include "calibration/cuda/nccl_comm.h"

namespace planewise::calibration {
namespace {

/// After the barrier the queue is held until the operation and its events are in it.
constexpr double kHoldSeconds = 50e-6;

/// What of NCCL's variables changes times.
constexpr std::array kVariables = {"NCCL_ALGO",         "NCCL_PROTO",         "NCCL_PXN_DISABLE",
                                   "NCCL_IB_HCA",       "NCCL_IB_SL",         "NCCL_P2P_DISABLE",
                                   "NCCL_SHM_DISABLE",  "NCCL_NET_GDR_LEVEL", "NCCL_MIN_NCHANNELS",
                                   "NCCL_MAX_NCHANNELS"};

ncclDataType_t nccl_type(ElementType type) {
  switch (type) {
    case ElementType::int8:
      return ncclInt8;
    case ElementType::uint8:
      return ncclUint8;
    case ElementType::int32:
      return ncclInt32;
    case ElementType::uint32:
      return ncclUint32;
    case ElementType::int64:
      return ncclInt64;
    case ElementType::uint64:
      return ncclUint64;
    case ElementType::half:
      return ncclFloat16;
    case ElementType::float32:
      return ncclFloat32;
    case ElementType::float64:
      return ncclFloat64;
    case ElementType::bfloat16:
      return ncclBfloat16;
    case ElementType::e4m3:
      return ncclFloat8e4m3;
    case ElementType::e5m2:
      return ncclFloat8e5m2;
  }
  PW_UNREACHABLE("ElementType has twelve values");
}

class GpuMemory : public Memory {
 public:
  explicit GpuMemory(std::size_t size) : buffer_(size) {}
  std::byte* data() override { return buffer_.as<std::byte>(); }
  std::size_t size() const override { return buffer_.size(); }

 private:
  Buffer buffer_;
};

class NcclGroup : public CommGroup {
 public:
  struct Place {
    int size = 1;
    int index = 0;
  };
  NcclGroup(NcclComms& comms, ncclComm_t comm, Place place, const Stream& stream)
      : comms_(comms), comm_(comm), place_(place), stream_(stream) {}

  int size() const override { return place_.size; }
  int index() const override { return place_.index; }

  void all_to_all(const std::byte* from, std::byte* to, std::size_t pair_size) override {
    PW_NCCL(ncclAlltoAll(from, to, pair_size, ncclUint8, comm_, stream_.get()));
    comms_.await_calls();
  }
  void exchange(const std::vector<Message>& sends, const std::vector<Message>& receives) override {
    PW_NCCL(ncclGroupStart());
    for (const Message& part : sends) {
      if (part.size == 0) continue;
      PW_NCCL(ncclSend(part.data, part.size, ncclUint8, part.peer, comm_, stream_.get()));
    }
    for (const Message& part : receives) {
      if (part.size == 0) continue;
      PW_NCCL(ncclRecv(part.data, part.size, ncclUint8, part.peer, comm_, stream_.get()));
    }
    PW_NCCL(ncclGroupEnd());
    comms_.await_calls();
  }
  void all_reduce(const std::byte* from, std::byte* to, std::size_t count,
                  ElementType type) override {
    PW_NCCL(ncclAllReduce(from, to, count, nccl_type(type), ncclSum, comm_, stream_.get()));
    comms_.await_calls();
  }
  void reduce_scatter(const std::byte* from, std::byte* to, std::size_t count,
                      ElementType type) override {
    PW_NCCL(ncclReduceScatter(from, to, count, nccl_type(type), ncclSum, comm_, stream_.get()));
    comms_.await_calls();
  }
  void all_gather(const std::byte* from, std::byte* to, std::size_t share) override {
    PW_NCCL(ncclAllGather(from, to, share, ncclUint8, comm_, stream_.get()));
    comms_.await_calls();
  }
  void broadcast(const std::byte* from, std::byte* to, std::size_t size_bytes) override {
    PW_NCCL(ncclBroadcast(from, to, size_bytes, ncclUint8, 0, comm_, stream_.get()));
    comms_.await_calls();
  }

 private:
  NcclComms& comms_;
  ncclComm_t comm_;
  Place place_;
  const Stream& stream_;
};

class NcclTransport : public Transport {
 public:
  NcclTransport(Store& store, int device, const TransportOptions& options)
      : device_(use(device)), comms_(store, options.timeout), rank_(store.rank()) {
    int clock_khz = 0;
    PW_CUDA(cudaDeviceGetAttribute(&clock_khz, cudaDevAttrClockRate, device_));
    hold_cycles_ = static_cast<std::int64_t>(clock_khz * 1e3 * kHoldSeconds);
    comm_ = comms_.make_world();
    world_ = std::make_unique<NcclGroup>(
        comms_, comm_, NcclGroup::Place{.size = store.size(), .index = store.rank()}, stream_);
    barrier_ = std::make_unique<Buffer>(sizeof(std::int32_t));
  }

  std::string name() const override { return "nccl " + library_version(); }
  std::string gpu_bus() const override {
    std::array<char, 32> text{};
    PW_CUDA(cudaDeviceGetPCIBusId(text.data(), static_cast<int>(text.size()), device_));
    std::string bus = text.data();
    for (char& c : bus) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return bus;
  }
  int device() const override { return device_; }
  std::map<std::string, std::string> settings() const override {
    std::map<std::string, std::string> all = {{"nccl", library_version()}};
    for (const char* name : kVariables) {
      if (const char* value = std::getenv(name)) all.emplace(name, value);
    }
    return all;
  }

  std::unique_ptr<Memory> allocate(std::size_t size) override {
    use(device_);
    return std::make_unique<GpuMemory>(size);
  }
  void upload(std::byte* to, const void* from, std::size_t size) override {
    if (size == 0) return;
    PW_CUDA(cudaMemcpyAsync(to, from, size, cudaMemcpyHostToDevice, stream_.get()));
    comms_.await_stream(stream_.get());
  }
  void download(void* to, const std::byte* from, std::size_t size) override {
    if (size == 0) return;
    PW_CUDA(cudaMemcpyAsync(to, from, size, cudaMemcpyDeviceToHost, stream_.get()));
    comms_.await_stream(stream_.get());
  }
  void copy_rows(const RowCopy& copy) override { calibration::copy_rows(copy, stream_.get()); }
  void sum_rows(const RowSum& sum) override { calibration::sum_rows(sum, stream_.get()); }

  std::unique_ptr<CommGroup> make_group(const std::vector<int>& ranks) override {
    use(device_);
    int index = -1;
    for (std::size_t i = 0; i < ranks.size(); ++i) {
      if (ranks[i] == rank_) index = static_cast<int>(i);
    }
    PW_CHECK(ranks.empty() || index >= 0);
    // Groups of a kind have no rank in common, so that the first rank tells them apart.
    const int color = ranks.empty() ? NCCL_SPLIT_NOCOLOR : ranks.front();
    const ncclComm_t comm = comms_.split(comm_, color, std::max(0, index));
    if (ranks.empty()) return nullptr;
    return std::make_unique<NcclGroup>(
        comms_, comm, NcclGroup::Place{.size = static_cast<int>(ranks.size()), .index = index},
        stream_);
  }
  CommGroup& world() override { return *world_; }

  std::vector<Seconds> time_isolated(const Work& work, int count) override {
    use(device_);
    std::vector<Event> begins(static_cast<std::size_t>(count));
    std::vector<Event> ends(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < begins.size(); ++i) {
      barrier();
      hold(hold_cycles_, stream_.get());
      begins[i].record(stream_);
      work();
      ends[i].record(stream_);
    }
    comms_.await_stream(stream_.get());
    std::vector<Seconds> times;
    for (std::size_t i = 0; i < begins.size(); ++i) {
      times.push_back(seconds(ends[i].seconds_since(begins[i])));
    }
    return times;
  }

  Seconds time_streaming(const Work& work, int count) override {
    use(device_);
    const Event begin;
    const Event end;
    barrier();
    begin.record(stream_);
    for (int i = 0; i < count; ++i) work();
    end.record(stream_);
    comms_.await_stream(stream_.get());
    return seconds(end.seconds_since(begin)) / count;
  }

 private:
  /// Makes it the current one of this thread.
  static int use(int device) {
    PW_CUDA(cudaSetDevice(device));
    return device;
  }
  static std::string library_version() {
    int number = 0;
    PW_NCCL(ncclGetVersion(&number));
    return nccl_version(number);
  }
  void barrier() {
    auto* value = barrier_->as<std::byte>();
    world_->all_reduce(value, value, 1, ElementType::int32);
  }

  int device_;
  Stream stream_{};
  NcclComms comms_;
  int rank_;
  std::int64_t hold_cycles_ = 0;
  ncclComm_t comm_ = nullptr;
  std::unique_ptr<CommGroup> world_{};
  std::unique_ptr<Buffer> barrier_{};
};

/// GPUs that this process sees; 0 without a driver.
int visible_gpus() {
  int count = 0;
  return cudaGetDeviceCount(&count) == cudaSuccess ? count : 0;
}

}  // namespace

std::variant<std::unique_ptr<Transport>, NotMeasured> make_nccl_transport(
    Store& store, int device, const TransportOptions& options) {
  const int gpus = visible_gpus();
  if (gpus == 0) return NotMeasured{"no GPU"};
  // A launcher that shows each rank its own GPU alone calls it 0.
  const int own = gpus == 1 ? 0 : device;
  if (own >= gpus) {
    return NotMeasured{fmt::format("no GPU for local rank {}: there are {}", device, gpus)};
  }
  return std::make_unique<NcclTransport>(store, own, options);
}

std::string nccl_problem(int ranks) {
  const int gpus = visible_gpus();
  if (gpus == 0) return "no GPU";
  if (ranks > gpus) return fmt::format("{} ranks, one a GPU, and {} GPUs", ranks, gpus);
  return "";
}

}  // namespace planewise::calibration
