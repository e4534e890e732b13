// Collectives of nccl-tests: every byte that arrives is known beforehand.
#include <algorithm>
#include <cstring>
#include <functional>

#include "base/check.h"
#include "base/random.h"
#include "calibration/comm/comm_bench.h"

namespace planewise::calibration {
namespace {

constexpr std::size_t kChunk = std::size_t{1} << 24;
constexpr std::byte kPoison{0xFF};

/// A stream of bytes that tells who sent it to whom.
struct Stream {
  std::uint64_t seed = 0;
  int source = 0;
  int destination = 0;
  int node_bits = 20;
};

std::uint64_t word_of(const Stream& stream, std::size_t word) {
  const std::uint64_t ends = (static_cast<std::uint64_t>(stream.source) << stream.node_bits) |
                             static_cast<std::uint64_t>(stream.destination);
  return mix_bits(stream.seed ^ mix_bits(ends) ^ (word * 0x9e3779b97f4a7c15ULL));
}

/// Bytes [begin, begin + size) of the stream; `begin` is a multiple of 8.
void fill(std::byte* to, std::size_t size, const Stream& stream, std::size_t begin) {
  for (std::size_t i = 0; i < size; i += sizeof(std::uint64_t)) {
    const std::uint64_t word = word_of(stream, (begin + i) / sizeof(std::uint64_t));
    std::memcpy(to + i, &word, std::min(sizeof word, size - i));
  }
}

/// Element `i` of rank `rank` in a sum: two ranks have 1 or 2 there, all others 0, so that every
/// type holds the sum, and another element has other ranks.
int addend(std::uint64_t seed, std::size_t i, int rank, int ranks) {
  const std::uint64_t hash = mix_bits(seed ^ i);
  const int first = static_cast<int>((hash >> 8) % static_cast<std::uint64_t>(ranks));
  const int second = (first + 1) % ranks;
  int value = 0;
  if (rank == first) value += 1 + static_cast<int>(hash & 1U);
  if (rank == second) value += 1 + static_cast<int>((hash >> 1) & 1U);
  return value;
}

int sum_at(std::uint64_t seed, std::size_t i) {
  const std::uint64_t hash = mix_bits(seed ^ i);
  return 2 + static_cast<int>(hash & 1U) + static_cast<int>((hash >> 1) & 1U);
}

class CollectiveBench : public CommBench {
 public:
  CollectiveBench(const CommPoint& point, Transport& transport, CommGroup* group)
      : point_(point), transport_(transport), group_(group) {
    type_ = element_of(point.datatype).value();
    unit_ = element_size(type_);
    if (group == nullptr) return;
    size_ = static_cast<std::size_t>(point.size.in(bytes(1)));
    const auto ranks = static_cast<std::size_t>(group->size());
    share_ = size_ / ranks / unit_ * unit_;
    from_ = transport.allocate(point.operation == Operation::all_gather ? share_ : size_);
    to_ = transport.allocate(point.operation == Operation::reduce_scatter ? share_ : size_);
  }

  std::int64_t check(std::uint64_t seed) override {
    if (group_ == nullptr) return 0;
    seed_ = seed;
    write_input();
    const std::vector<std::byte> poison(std::min(kChunk, to_->size()), kPoison);
    for (std::size_t begin = 0; begin < to_->size(); begin += kChunk) {
      transport_.upload(to_->data() + begin, poison.data(), std::min(kChunk, to_->size() - begin));
    }
    run();
    return count_wrong();
  }

  void run() override {
    if (group_ == nullptr) return;
    switch (point_.operation) {
      case Operation::all_to_all:
        return group_->all_to_all(from_->data(), to_->data(), share_);
      case Operation::all_gather:
        return group_->all_gather(from_->data(), to_->data(), share_);
      case Operation::reduce_scatter:
        return group_->reduce_scatter(from_->data(), to_->data(), share_ / unit_, type_);
      case Operation::all_reduce:
        return group_->all_reduce(from_->data(), to_->data(), size_ / unit_, type_);
      case Operation::broadcast:
        return group_->broadcast(from_->data(), to_->data(), size_);
      case Operation::send: {
        const int other = 1 - group_->index();
        return group_->exchange({{other, from_->data(), size_}}, {{other, to_->data(), size_}});
      }
      case Operation::dispatch:
      case Operation::combine:
        break;
    }
    PW_UNREACHABLE("dispatch and combine have a bench of their own");
  }

  CommVolume volume() const override { return {}; }

 private:
  bool is_sum() const {
    return point_.operation == Operation::all_reduce ||
           point_.operation == Operation::reduce_scatter;
  }

  /// Writes what `fill_chunk(to, size, begin)` makes, piece by piece.
  void write(std::byte* to, std::size_t size,
             const std::function<void(std::byte*, std::size_t, std::size_t)>& fill_chunk) {
    std::vector<std::byte> chunk(std::min(kChunk, size));
    for (std::size_t begin = 0; begin < size; begin += kChunk) {
      const std::size_t length = std::min(kChunk, size - begin);
      fill_chunk(chunk.data(), length, begin);
      transport_.upload(to + begin, chunk.data(), length);
    }
  }

  /// Elements of `from` that are not what `fill_chunk` makes.
  std::int64_t compare(
      const std::byte* from, std::size_t size,
      const std::function<void(std::byte*, std::size_t, std::size_t)>& fill_chunk) {
    std::int64_t wrong = 0;
    std::vector<std::byte> expected(std::min(kChunk, size));
    std::vector<std::byte> got(std::min(kChunk, size));
    for (std::size_t begin = 0; begin < size; begin += kChunk) {
      const std::size_t length = std::min(kChunk, size - begin);
      fill_chunk(expected.data(), length, begin);
      transport_.download(got.data(), from + begin, length);
      if (std::memcmp(expected.data(), got.data(), length) == 0) continue;
      for (std::size_t i = 0; i < length; i += unit_) {
        wrong += std::memcmp(expected.data() + i, got.data() + i, std::min(unit_, length - i)) != 0;
      }
    }
    return wrong;
  }

  auto stream(int source, int destination) const {
    const Stream which{.seed = seed_, .source = source, .destination = destination};
    return [which](std::byte* to, std::size_t size, std::size_t begin) {
      fill(to, size, which, begin);
    };
  }
  /// Elements from `first` on, of this rank or summed.
  auto addends(std::size_t first, bool is_summed) const {
    return [this, first, is_summed](std::byte* to, std::size_t size, std::size_t begin) {
      for (std::size_t i = 0; i < size / unit_; ++i) {
        const std::size_t element = first + begin / unit_ + i;
        const int value = is_summed && group_->size() > 0
                              ? sum_at(seed_, element)
                              : addend(seed_, element, group_->index(), group_->size());
        store_element(to + i * unit_, value, type_);
      }
    };
  }

  void write_input() {
    const int own = group_->index();
    if (is_sum()) {
      write(from_->data(), from_->size() / unit_ * unit_, addends(0, false));
    } else if (point_.operation == Operation::all_to_all) {
      for (int peer = 0; peer < group_->size(); ++peer) {
        write(from_->data() + static_cast<std::size_t>(peer) * share_, share_, stream(own, peer));
      }
    } else {
      write(from_->data(), from_->size(), stream(own, 0));
    }
  }

  std::int64_t count_wrong() {
    const int own = group_->index();
    switch (point_.operation) {
      case Operation::all_reduce:
        return compare(to_->data(), size_ / unit_ * unit_, addends(0, true));
      case Operation::reduce_scatter:
        return compare(to_->data(), share_,
                       addends(static_cast<std::size_t>(own) * share_ / unit_, true));
      case Operation::broadcast:
        return compare(to_->data(), size_, stream(0, 0));
      case Operation::send:
        return compare(to_->data(), size_, stream(1 - own, 0));
      default:
        break;
    }
    std::int64_t wrong = 0;
    for (int peer = 0; peer < group_->size(); ++peer) {
      const bool is_personal = point_.operation == Operation::all_to_all;
      wrong += compare(to_->data() + static_cast<std::size_t>(peer) * share_, share_,
                       stream(peer, is_personal ? own : 0));
    }
    return wrong;
  }

  CommPoint point_;
  Transport& transport_;
  CommGroup* group_;
  ElementType type_ = ElementType::float32;
  std::size_t unit_ = 4;
  std::size_t size_ = 0;
  std::size_t share_ = 0;  ///< Of one rank, whole elements.
  std::uint64_t seed_ = 0;
  std::unique_ptr<Memory> from_{};
  std::unique_ptr<Memory> to_{};
};

}  // namespace

std::unique_ptr<CommBench> make_collective_bench(const CommPoint& point, Transport& transport,
                                                 CommGroup* group) {
  return std::make_unique<CollectiveBench>(point, transport, group);
}

}  // namespace planewise::calibration
