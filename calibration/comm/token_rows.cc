#include "calibration/comm/token_rows.h"

#include <cmath>
#include <cstring>

#include "base/random.h"
#include "calibration/host/e4m3.h"
#include "calibration/host/reference.h"

namespace planewise::calibration {
namespace {

/// As DeepSeek-V3's router has it.
constexpr double kRoutingScale = 2.5;

template <class T>
void store(std::span<std::byte> row, std::size_t offset, const T& value) {
  std::memcpy(row.data() + offset, &value, sizeof value);
}
template <class T>
T load(std::span<const std::byte> row, std::size_t offset) {
  T value;
  std::memcpy(&value, row.data() + offset, sizeof value);
  return value;
}

}  // namespace

TokenChoice choose_experts(const TokenLoad& load, int nodes, int source, std::uint64_t seed) {
  Random random(fold_bits(seed, static_cast<std::uint64_t>(source)));
  const auto experts = static_cast<std::size_t>(load.experts);
  std::vector<float> scores(static_cast<std::size_t>(load.tokens) * experts);
  for (float& score : scores) score = static_cast<float>(4 * random.uniform() - 2);
  const std::vector<float> bias(experts, 0.0F);
  const int nodes_per_token =
      load.nodes_per_token > 0 ? std::min(load.nodes_per_token, nodes) : nodes;
  host::Routing routing = host::route(scores, bias, {load.tokens, load.experts},
                                      {.experts_per_token = load.experts_per_token,
                                       .expert_groups = nodes,
                                       .groups_per_token = nodes_per_token,
                                       .routing_scale = kRoutingScale});
  return {.experts_per_token = load.experts_per_token,
          .experts = std::move(routing.experts),
          .weights = std::move(routing.weights)};
}

void write_values(const RowFormat& format, std::uint64_t seed, const RowHead& head,
                  std::span<std::byte> row) {
  Random random(fold_bits(fold_bits(seed, static_cast<std::uint64_t>(head.source)),
                          static_cast<std::uint64_t>(head.token)));
  for (std::size_t i = 0; i < format.hidden; i += 8) {
    std::uint64_t word = random.bits();
    for (std::size_t byte = i; byte < std::min(i + 8, format.hidden); ++byte) {
      auto code = static_cast<std::uint8_t>(word);
      word >>= 8;
      if ((code & 0x7fU) == 0x7fU) code ^= 1U;  // not a number
      row[byte] = static_cast<std::byte>(code);
    }
  }
  for (std::size_t i = 0; i < format.scales(); ++i) {
    store(row, format.hidden + 4 * i, static_cast<float>((1 + random.uniform()) / 448));
  }
}

void write_head(const RowFormat& format, const RowHead& head, std::span<std::byte> row) {
  std::size_t offset = format.head_offset();
  store(row, offset, head.source);
  store(row, offset + 4, head.token);
  offset += 8;
  for (std::size_t i = 0; i < head.experts.size(); ++i) {
    store(row, offset + 8 * i, head.experts[i]);
    store(row, offset + 8 * i + 4, head.weights[i]);
  }
}

RowHead read_head(const RowFormat& format, std::span<const std::byte> row) {
  std::size_t offset = format.head_offset();
  RowHead head{.source = load<std::int32_t>(row, offset),
               .token = load<std::int32_t>(row, offset + 4)};
  offset += 8;
  for (int i = 0; i < format.experts_per_token; ++i, offset += 8) {
    head.experts.push_back(load<std::int32_t>(row, offset));
    head.weights.push_back(load<float>(row, offset + 4));
  }
  return head;
}

std::vector<float> weighted_values(const RowFormat& format, std::span<const std::byte> row,
                                   float weight) {
  std::vector<float> values(format.hidden);
  for (std::size_t i = 0; i < format.hidden; ++i) {
    const auto scale = load<float>(row, format.hidden + 4 * (i / 128));
    values[i] = host::from_e4m3(static_cast<std::uint8_t>(row[i])) * scale * weight;
  }
  return values;
}

}  // namespace planewise::calibration
