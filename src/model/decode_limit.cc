#include "model/decode_limit.h"

namespace planewise::model {

DecodeLimit decode_limit(const DecodeLimitInputs& inputs) {
  const double elements =
      static_cast<double>(inputs.tokens * inputs.experts_per_token * inputs.hidden);
  DecodeLimit limit;
  limit.exchange = bytes(elements * (inputs.dispatch_bytes + inputs.combine_bytes)) / inputs.rate;
  limit.layer = limit.exchange * 2;
  limit.tpot = limit.layer * static_cast<double>(inputs.layers);
  limit.tokens_per_s = seconds(1).in(limit.tpot);
  return limit;
}

}  // namespace planewise::model
