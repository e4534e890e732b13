// Lines that only a file of published tables has: what was not measured point by point.
#pragma once

#include <string>
#include <vector>

#include "base/units.h"
#include "spec/evidence.h"
#include "spec/profile.h"

namespace planewise::calibration {

/// `{"record": "profile", "schema": 1, ...}`: what a file of published tables is about.
struct ProfileRecord {
  std::string name{};
  std::string source{};
  spec::GpuSpec gpu{};
};

/// `{"record": "total", ...}`: the time that several calls took together, such as a category of
/// kernels in a trace.
struct TotalRecord {
  struct Call {
    spec::GemmShape shape{};  ///< Of a product.
    Flop work{};              ///< Of a flop_rate operator.
    Bytes traffic{};          ///< Of a byte_rate operator.
    double count = 1;
  };
  std::string id{};
  int sms = 0;
  spec::Beside beside = spec::Beside::alone;
  std::vector<Call> calls{};
  Seconds time{};
  double kernels = 1;  ///< Launched a call, on average.
  spec::Evidence evidence = spec::Evidence::published;
  std::string source{};
};

/// `{"record": "estimate", ...}`: a curve that nobody measured; `curve.source` says why so.
struct EstimateRecord {
  spec::OperatorCurve curve{};
};

/// `{"record": "collective", ...}`: an entry of the profile's collectives, as published or solved
/// for elsewhere; `curve.evidence` and `curve.source` say what it is.
struct CollectiveRecord {
  spec::CollectiveCurve curve{};
};

/// `{"record": "model", ...}`: operators of form gemm whose points are fitted as one. One that has
/// no points takes the model of the others.
struct ModelRecord {
  std::vector<std::string> ids{};
  std::string source{};  ///< Of those without points.
};

/// `{"record": "in_step", ...}`: the share of its rates that a product keeps in a running step.
struct InStepRecord {
  std::string id{};
  double share = 0;  ///< 0: what the operator's total beside communication leaves, SMs apart.
  spec::Evidence evidence = spec::Evidence::estimated;
  std::string source{};
};

}  // namespace planewise::calibration
