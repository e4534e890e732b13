// Raw points as curves: all rounds of a size are one time, all sizes of an operator one curve.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "calibration/raw/record.h"
#include "spec/profile.h"

namespace planewise::calibration {

/// All rounds of one measurement.
struct SizeTime {
  Measurement measurement{};
  Seconds time{};    ///< Median over rounds of the medians of samples.
  double sigma = 0;  ///< Relative: of the rounds, and 1 % that no round tells of.
  int rounds = 0;
  int throttled = 0;         ///< Of the rounds.
  bool is_unstable = false;  ///< Rounds differ by over 3 %.
};

/// What the simulator knows as one curve.
struct CurvePoints {
  std::string id{};
  int sms = 0;
  spec::Beside beside = spec::Beside::alone;
  Kernel kernel = Kernel::product;
  /// Ascending: products by rows, attention by sequence, others by traffic.
  std::vector<SizeTime> sizes{};
  std::vector<SizeTime> spread{};  ///< Rows that are masked or not balanced: compared, not fitted.
  spec::Evidence evidence = spec::Evidence::measured;
  std::string source{};  ///< Of what is published.
  std::string implementation{};
  std::string proxy{};
  std::optional<spec::ResultCheck> check{};  ///< The worst.
  int kernels = 1;                           ///< Median over points.
  int points = 0;                            ///< Raw points with times.
  int throttled = 0;
  int failed = 0;  ///< Raw points whose check did not hold; they have no times.
};

struct CurveSet {
  std::vector<CurvePoints> curves{};  ///< In order of first mention; some may have no sizes.
  std::vector<SizeTime> layers{};     ///< Whole layers, gap not taken off.
  Seconds gap{};                      ///< Of an empty kernel; 0: not measured.
  /// Of each key, gap not taken off.
  std::map<std::string, Seconds> times{};
};

/// The curves of `raw` for a GPU of `sms`. Of a size that was taken cool and sustained the
/// sustained rounds count. From measured times the gap of an empty kernel is taken off for each
/// launch, as the simulator adds it back, but never more than half of the time.
CurveSet curves_of(const RawFile& raw, int sms);

/// As the simulator's operator has it: a weight gradient of m rows is outputs x inputs with its
/// rows to sum over.
spec::GemmShape operator_shape(const Measurement& measurement);

}  // namespace planewise::calibration
