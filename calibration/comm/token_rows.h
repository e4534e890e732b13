// Tokens as they travel: FP8 values, their scales, and what says whose they are and which experts
// they are for. DeepEP sends the same (tests/test_internode.py, x, scales, indexes and weights).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "calibration/comm/comm_point.h"

namespace planewise::calibration {

/// Bytes of a token: hidden e4m3 values, an FP32 scale for 128 of them, then the head below, to a
/// multiple of 16.
struct RowFormat {
  std::size_t hidden = 0;
  int experts_per_token = 0;

  std::size_t scales() const { return hidden / 128; }
  std::size_t head_offset() const { return hidden + 4 * scales(); }
  std::size_t size() const {
    const auto head = 8 + 8 * static_cast<std::size_t>(experts_per_token);
    return (head_offset() + head + 15) / 16 * 16;
  }
};

struct RowHead {
  std::int32_t source = -1;  ///< Place in the group; -1: there is no token.
  std::int32_t token = 0;    ///< Of the source.
  std::vector<std::int32_t> experts{};
  std::vector<float> weights{};
};

/// What tokens of one rank want.
struct TokenChoice {
  int experts_per_token = 0;
  std::vector<std::int32_t> experts{};  ///< [tokens, experts per token].
  std::vector<float> weights{};         ///< The same shape.
};

/// The choice of a router that scores at random: of as many groups of experts as there are nodes
/// the best `nodes_per_token`, of their experts the best.
TokenChoice choose_experts(const TokenLoad& load, int nodes, int source, std::uint64_t seed);

/// Values and scales of a token, the same whoever makes them.
void write_values(const RowFormat& format, std::uint64_t seed, const RowHead& head,
                  std::span<std::byte> row);
void write_head(const RowFormat& format, const RowHead& head, std::span<std::byte> row);
RowHead read_head(const RowFormat& format, std::span<const std::byte> row);

/// The values times their scales times `weight`. Shape: [hidden].
std::vector<float> weighted_values(const RowFormat& format, std::span<const std::byte> row,
                                   float weight);

}  // namespace planewise::calibration
