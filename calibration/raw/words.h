// The words of a raw file for values of enumerations.
#pragma once

#include <string>
#include <vector>

#include "calibration/measure/measurement.h"
#include "spec/evidence.h"
#include "spec/job.h"

namespace planewise::calibration {

/// All kernels in the order of their values, so that `to_string(kKernels[i])` is word i.
std::vector<std::string> kernel_words();

/// In the order of spec::Precision.
const std::vector<std::string>& precision_words();

/// In the order of spec::Beside.
const std::vector<std::string>& beside_words();
const std::string& beside_name(spec::Beside beside);
/// `gemm`, `flop_rate`, `byte_rate`, `roofline`.
const std::vector<std::string>& form_words();
const std::string& form_name(spec::OperatorForm form);

/// Those that a profile may have, and the value of the word at an index.
spec::Evidence evidence_of(std::size_t word);
const std::vector<std::string>& evidence_words();

}  // namespace planewise::calibration
