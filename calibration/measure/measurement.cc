#include "calibration/measure/measurement.h"

#include <fmt/format.h>

#include "base/check.h"

namespace planewise::calibration {
namespace {

std::string to_string(spec::Precision precision) {
  return precision == spec::Precision::bf16 ? "bf16" : "fp8_blockwise";
}

bool is_product(Kernel kernel) {
  return kernel == Kernel::product || kernel == Kernel::weight_gradient;
}

}  // namespace

std::string to_string(Kernel kernel) {
  switch (kernel) {
    case Kernel::empty:
      return "empty";
    case Kernel::product:
      return "product";
    case Kernel::weight_gradient:
      return "weight_gradient";
    case Kernel::router:
      return "router";
    case Kernel::quantise:
      return "quantise";
    case Kernel::quantise_backward:
      return "quantise_backward";
    case Kernel::requantise_transposed:
      return "requantise_transposed";
    case Kernel::permute:
      return "permute";
    case Kernel::swiglu:
      return "swiglu";
    case Kernel::swiglu_backward:
      return "swiglu_backward";
    case Kernel::swiglu_quantise:
      return "swiglu_quantise";
    case Kernel::gelu:
      return "gelu";
    case Kernel::norm:
      return "norm";
    case Kernel::rope:
      return "rope";
    case Kernel::copy:
      return "copy";
    case Kernel::elementwise:
      return "elementwise";
    case Kernel::embedding:
      return "embedding";
    case Kernel::cross_entropy:
      return "cross_entropy";
    case Kernel::optimizer:
      return "optimizer";
    case Kernel::attention_forward:
      return "attention_forward";
    case Kernel::attention_backward:
      return "attention_backward";
    case Kernel::attention_decode:
      return "attention_decode";
    case Kernel::moe_layer_forward:
      return "moe_layer_forward";
    case Kernel::moe_layer_backward:
      return "moe_layer_backward";
  }
  PW_UNREACHABLE("Kernel has no other value");
}

std::string to_string(RowSpread spread) {
  switch (spread) {
    case RowSpread::balanced:
      return "balanced";
    case RowSpread::uneven:
      return "uneven";
    case RowSpread::zipf:
      return "zipf";
  }
  PW_UNREACHABLE("RowSpread has three values");
}

std::string to_string(RowLayout layout) {
  return layout == RowLayout::contiguous ? "contiguous" : "masked";
}

std::string to_string(Regime regime) { return regime == Regime::cool ? "cool" : "sustained"; }

std::string key_of(const Measurement& m) {
  std::string key = fmt::format("{} {}", m.id, to_string(m.kernel));
  if (is_product(m.kernel)) {
    key +=
        fmt::format(" groups={} m={} n={} k={}", m.shape.groups, m.shape.m, m.shape.n, m.shape.k);
  } else if (m.rows > 0) {
    key += fmt::format(" rows={} width={}", m.rows, m.width);
  }
  if (m.sequence > 0) key += fmt::format(" sequence={}", m.sequence);
  if (m.precision != spec::Precision::bf16) key += " " + to_string(m.precision);
  if (m.spread != RowSpread::balanced) key += " " + to_string(m.spread);
  if (m.layout != RowLayout::contiguous) key += " " + to_string(m.layout);
  if (m.sms > 0) key += fmt::format(" sms={}", m.sms);
  if (m.beside == spec::Beside::communication) key += " beside=communication";
  return key + " " + to_string(m.regime);
}

}  // namespace planewise::calibration
