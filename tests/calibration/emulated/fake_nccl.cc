#include "fake_nccl.h"

#include <nccl.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <map>
#include <memory>
#include <new>
#include <thread>
#include <vector>

#include "calibration/comm/elements.h"
#include "emulator.h"

namespace planewise::emulated {
namespace {

constexpr std::size_t kRing = std::size_t{1} << 16;
/// A peer that moves nothing for so long hangs the stream, as a lost one does.
constexpr std::chrono::milliseconds kPatience{300};

/// Bytes from one process to another.
struct Lane {
  std::atomic<std::uint64_t> written{0};
  std::atomic<std::uint64_t> read{0};
  std::byte bytes[kRing];
};

struct World {
  Lane* lanes = nullptr;  // [source][destination]
  int rank = 0;
  int ranks = 1;
  int aborted = 0;
};
World g_world;

struct Transfer {
  int peer = 0;  // of the world
  std::byte* data = nullptr;
  std::size_t size = 0;
  bool is_send = false;
};
std::vector<Transfer> g_queued;
int g_depth = 0;

Lane& lane(int source, int destination) {
  return g_world.lanes[source * g_world.ranks + destination];
}

std::size_t move_some(Transfer& t) {
  Lane& way = t.is_send ? lane(g_world.rank, t.peer) : lane(t.peer, g_world.rank);
  const std::uint64_t written = way.written.load(std::memory_order_acquire);
  const std::uint64_t read = way.read.load(std::memory_order_acquire);
  const std::size_t room = t.is_send ? kRing - (written - read) : written - read;
  const std::uint64_t at = t.is_send ? written : read;
  const std::size_t count = std::min({room, t.size, kRing - at % kRing});
  if (count == 0) return 0;
  if (t.is_send) {
    std::memcpy(way.bytes + at % kRing, t.data, count);
    way.written.store(written + count, std::memory_order_release);
  } else {
    std::memcpy(t.data, way.bytes + at % kRing, count);
    way.read.store(read + count, std::memory_order_release);
  }
  t.data += count;
  t.size -= count;
  return count;
}

/// Moves all that is queued; hangs the stream if a peer does not come.
void run_queued() {
  std::vector<Transfer> left = std::move(g_queued);
  g_queued.clear();
  auto moved = std::chrono::steady_clock::now();
  while (!left.empty()) {
    std::map<std::pair<int, bool>, bool> is_busy;
    bool has_moved = false;
    for (Transfer& t : left) {
      if (is_busy[{t.peer, t.is_send}]) continue;
      has_moved = move_some(t) > 0 || has_moved;
      is_busy[{t.peer, t.is_send}] = t.size > 0;
    }
    std::erase_if(left, [](const Transfer& t) { return t.size == 0; });
    const auto now = std::chrono::steady_clock::now();
    if (has_moved) {
      moved = now;
    } else if (now - moved > kPatience) {
      hang_stream();
      return;
    } else {
      std::this_thread::yield();
    }
  }
}

}  // namespace

void* make_nccl_memory(int ranks) {
  const auto count = static_cast<std::size_t>(ranks * ranks);
  void* memory = mmap(nullptr, count * sizeof(Lane), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  for (std::size_t i = 0; i < count; ++i) new (static_cast<Lane*>(memory) + i) Lane;
  return memory;
}

void attach_nccl(void* memory, int rank, int ranks) {
  g_world = {.lanes = static_cast<Lane*>(memory), .rank = rank, .ranks = ranks};
}

int aborted_communicators() { return g_world.aborted; }

}  // namespace planewise::emulated

using planewise::calibration::add_elements;
using planewise::calibration::element_size;
using planewise::calibration::ElementType;
using namespace planewise::emulated;

struct ncclComm {
  std::vector<int> ranks{};  // of the world
  int index = 0;
  int asked = 0;  // how often its state was asked about
};

namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }

ElementType element(ncclDataType_t type) {
  switch (type) {
    case ncclInt8:
      return ElementType::int8;
    case ncclUint8:
      return ElementType::uint8;
    case ncclInt32:
      return ElementType::int32;
    case ncclFloat16:
      return ElementType::half;
    case ncclBfloat16:
      return ElementType::bfloat16;
    case ncclFloat64:
      return ElementType::float64;
    case ncclFloat8e4m3:
      return ElementType::e4m3;
    case ncclFloat8e5m2:
      return ElementType::e5m2;
    default:
      return ElementType::float32;
  }
}

void queue(const void* data, std::size_t size, int peer, ncclComm_t comm, bool is_send) {
  const int world = comm->ranks[at(peer)];
  auto* bytes = static_cast<std::byte*>(const_cast<void*>(data));
  if (size > 0) g_queued.push_back({world, bytes, size, is_send});
}

void run_unless_grouped() {
  if (g_depth == 0) run_queued();
}

/// Every rank's `size` bytes to every other, then what `then` makes of them. Shape of `all`:
/// [rank][size].
std::vector<std::byte> gathered(const void* from, std::size_t size, ncclComm_t comm) {
  std::vector<std::byte> all(size * comm->ranks.size());
  for (int peer = 0; peer < static_cast<int>(comm->ranks.size()); ++peer) {
    queue(from, size, peer, comm, true);
    queue(all.data() + at(peer) * size, size, peer, comm, false);
  }
  run_queued();
  return all;
}

}  // namespace

extern "C" {

ncclResult_t ncclGetVersion(int* version) {
  *version = 22809;
  return ncclSuccess;
}
const char* ncclGetErrorString(ncclResult_t) { return "fake"; }
const char* ncclGetLastError(ncclComm_t) { return ""; }
ncclResult_t ncclGetUniqueId(ncclUniqueId* id) {
  std::memset(id->internal, 7, sizeof id->internal);
  return ncclSuccess;
}

ncclResult_t ncclCommInitRankConfig(ncclComm_t* comm, int ranks, ncclUniqueId id, int rank,
                                    ncclConfig_t* config) {
  if (config->blocking != 0 || id.internal[100] != 7) return ncclInvalidArgument;
  auto made = std::make_unique<ncclComm>();
  for (int i = 0; i < ranks; ++i) made->ranks.push_back(i);
  made->index = rank;
  *comm = made.release();
  return ncclInProgress;
}

ncclResult_t ncclCommSplit(ncclComm_t comm, int color, int key, ncclComm_t* out, ncclConfig_t*) {
  const int own[2] = {color, key};
  const std::vector<std::byte> all = gathered(own, sizeof own, comm);
  std::vector<std::pair<int, int>> members;  // key, rank of the world
  for (std::size_t i = 0; i < comm->ranks.size(); ++i) {
    int other[2];
    std::memcpy(other, all.data() + i * sizeof other, sizeof other);
    if (other[0] == color) members.emplace_back(other[1], comm->ranks[i]);
  }
  *out = nullptr;
  if (color == NCCL_SPLIT_NOCOLOR) return ncclSuccess;
  std::sort(members.begin(), members.end());
  auto made = std::make_unique<ncclComm>();
  for (const auto& [k, rank] : members) {
    if (rank == comm->ranks[at(comm->index)]) made->index = static_cast<int>(made->ranks.size());
    made->ranks.push_back(rank);
  }
  *out = made.release();
  return ncclInProgress;
}

/// The first questions are answered with "in progress", as NCCL may.
ncclResult_t ncclCommGetAsyncError(ncclComm_t comm, ncclResult_t* state) {
  *state = comm->asked++ < 2 ? ncclInProgress : ncclSuccess;
  return ncclSuccess;
}
ncclResult_t ncclCommFinalize(ncclComm_t) { return ncclSuccess; }
ncclResult_t ncclCommDestroy(ncclComm_t comm) {
  delete comm;
  return ncclSuccess;
}
ncclResult_t ncclCommAbort(ncclComm_t comm) {
  delete comm;
  ++g_world.aborted;
  return ncclSuccess;
}

ncclResult_t ncclGroupStart() {
  ++g_depth;
  return ncclSuccess;
}
ncclResult_t ncclGroupEnd() {
  --g_depth;
  run_unless_grouped();
  return ncclSuccess;
}
ncclResult_t ncclSend(const void* data, size_t count, ncclDataType_t type, int peer,
                      ncclComm_t comm, cudaStream_t) {
  queue(data, count * element_size(element(type)), peer, comm, true);
  run_unless_grouped();
  return ncclSuccess;
}
ncclResult_t ncclRecv(void* data, size_t count, ncclDataType_t type, int peer, ncclComm_t comm,
                      cudaStream_t) {
  queue(data, count * element_size(element(type)), peer, comm, false);
  run_unless_grouped();
  return ncclSuccess;
}

ncclResult_t ncclAlltoAll(const void* from, void* to, size_t count, ncclDataType_t type,
                          ncclComm_t comm, cudaStream_t) {
  const std::size_t size = count * element_size(element(type));
  for (int peer = 0; peer < static_cast<int>(comm->ranks.size()); ++peer) {
    queue(static_cast<const std::byte*>(from) + at(peer) * size, size, peer, comm, true);
    queue(static_cast<std::byte*>(to) + at(peer) * size, size, peer, comm, false);
  }
  run_unless_grouped();
  return ncclSuccess;
}
ncclResult_t ncclAllGather(const void* from, void* to, size_t count, ncclDataType_t type,
                           ncclComm_t comm, cudaStream_t) {
  const std::vector<std::byte> all = gathered(from, count * element_size(element(type)), comm);
  std::memcpy(to, all.data(), all.size());
  return ncclSuccess;
}
ncclResult_t ncclBroadcast(const void* from, void* to, size_t count, ncclDataType_t type, int root,
                           ncclComm_t comm, cudaStream_t) {
  const std::size_t size = count * element_size(element(type));
  const std::vector<std::byte> all = gathered(comm->index == root ? from : to, size, comm);
  std::memcpy(to, all.data() + at(root) * size, size);
  return ncclSuccess;
}
ncclResult_t ncclAllReduce(const void* from, void* to, size_t count, ncclDataType_t type,
                           ncclRedOp_t, ncclComm_t comm, cudaStream_t) {
  const ElementType what = element(type);
  const std::size_t size = count * element_size(what);
  std::vector<std::byte> all = gathered(from, size, comm);
  for (std::size_t i = 1; i < comm->ranks.size(); ++i) {
    add_elements(all.data(), all.data() + i * size, count, what);
  }
  std::memcpy(to, all.data(), size);
  return ncclSuccess;
}
ncclResult_t ncclReduceScatter(const void* from, void* to, size_t count, ncclDataType_t type,
                               ncclRedOp_t op, ncclComm_t comm, cudaStream_t stream) {
  const std::size_t size = count * element_size(element(type));
  std::vector<std::byte> sum(size * comm->ranks.size());
  ncclAllReduce(from, sum.data(), count * comm->ranks.size(), type, op, comm, stream);
  std::memcpy(to, sum.data() + at(comm->index) * size, size);
  return ncclSuccess;
}

}  // extern "C"
