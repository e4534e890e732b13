// What expert communication alone leaves of decoding: the bound of arXiv 2505.09343, section 2.3.2.
#pragma once

#include <cstdint>

#include "base/units.h"

namespace planewise::model {

struct DecodeLimitInputs {
  std::int64_t tokens = 0;  ///< Of a device, in one micro-batch.
  std::int64_t experts_per_token = 0;
  std::int64_t hidden = 0;
  int dispatch_bytes = 1;  ///< An element.
  int combine_bytes = 2;
  std::int64_t layers = 0;
  Rate rate{};  ///< Of a device, one direction.
};

struct DecodeLimit {
  Seconds exchange{};  ///< Dispatch and combine of one micro-batch in one layer.
  Seconds layer{};     ///< Of two micro-batches.
  Seconds tpot{};      ///< One token of every sequence: all layers.
  double tokens_per_s = 0;
};

/// Returns the time to decode a token if nothing but the exchanges took any, and they no latency:
///
/// exchange = (dispatch_bytes + combine_bytes) * tokens * experts_per_token * hidden / rate,
/// layer = 2 * exchange (two micro-batches; computation hides behind them), tpot = layers * layer.
/// Every expert is taken to be on another device. Source: arXiv 2505.09343, section 2.3.2.
DecodeLimit decode_limit(const DecodeLimitInputs& inputs);

}  // namespace planewise::model
