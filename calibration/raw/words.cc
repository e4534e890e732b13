#include "calibration/raw/words.h"

#include <array>

namespace planewise::calibration {
namespace {

constexpr std::array kEvidence{spec::Evidence::measured, spec::Evidence::published,
                               spec::Evidence::fitted, spec::Evidence::estimated};

}  // namespace

std::vector<std::string> kernel_words() {
  std::vector<std::string> words;
  for (int i = 0; i <= static_cast<int>(Kernel::moe_layer_backward); ++i) {
    words.push_back(to_string(static_cast<Kernel>(i)));
  }
  return words;
}

const std::vector<std::string>& precision_words() {
  static const std::vector<std::string> words = {"bf16", "fp8_blockwise", "fp8_tensorwise",
                                                 "mxfp8"};
  return words;
}

const std::vector<std::string>& beside_words() {
  static const std::vector<std::string> words = {"alone", "communication", "compute"};
  return words;
}

const std::string& beside_name(spec::Beside beside) {
  return beside_words().at(static_cast<std::size_t>(beside));
}

const std::vector<std::string>& form_words() {
  static const std::vector<std::string> words = {"gemm", "flop_rate", "byte_rate", "roofline"};
  return words;
}

const std::string& form_name(spec::OperatorForm form) {
  return form_words().at(static_cast<std::size_t>(form));
}

const std::vector<std::string>& evidence_words() {
  static const std::vector<std::string> words = [] {
    std::vector<std::string> names;
    for (const spec::Evidence evidence : kEvidence) {
      names.emplace_back(spec::evidence_name(evidence));
    }
    return names;
  }();
  return words;
}

spec::Evidence evidence_of(std::size_t word) { return kEvidence.at(word); }

}  // namespace planewise::calibration
