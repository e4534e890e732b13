// Lines that only a file of published tables has: what was not measured point by point.
//
// One kind of line has no struct here: `{"record": "row", ...}`, a row of a table that prints a
// product's rate and not its time, becomes a point of raw/record.h.
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
/// kernels in one phase of a trace. Totals of one id, SMs and `beside` make one curve.
struct TotalRecord {
  struct Call {
    std::string what{};       ///< `q_b projection`.
    spec::GemmShape shape{};  ///< Of a product.
    Flop work{};              ///< Of a flop_rate operator.
    Bytes traffic{};          ///< Of a byte_rate operator.
  };
  std::string id{};
  std::string phase{};  ///< As the trace names it.
  int sms = 0;
  spec::Beside beside = spec::Beside::alone;
  std::vector<Call> calls{};
  Seconds time{};
  double kernels = 0;  ///< Launched in the phase, where planewise makes one call; 0: not known.
  bool only_kernels = false;  ///< Its time, taken beside other kernels, is not in the rate.
  /// The rate is the least squares of the relative errors of this curve's totals, not their sum of
  /// work over their sum of time. Of all totals of a curve, or of none.
  bool by_least_squares = false;
  spec::Evidence evidence = spec::Evidence::published;
  std::string source{};
  int line = 0;
};

/// What a printed number is multiplied with: times / over.
struct Scale {
  double times = 1;
  double over = 1;
  double value() const { return times / over; }
};

/// `{"record": "curve", ...}`: a curve as printed or judged; `curve.evidence` and `curve.source`
/// say which and why. Of form gemm it is the model, beside the curve's points if there are any.
struct CurveRecord {
  spec::OperatorCurve curve{};
  std::string as{};  ///< Takes form and rates of this operator, alone if it has such a curve.
  double memory_share = 0;  ///< byte_rate: of the GPU's memory rate; 0: `curve.memory_rate` is it.
  Scale scale{};            ///< Of all rates, of form gemm of that of FLOPs alone.
  int line = 0;             ///< Of the file.
};

/// `{"record": "links", ...}`: the rates that efficiencies are counted against.
struct LinksRecord {
  Rate rail{};               ///< Of a NIC, one direction.
  Rate nvlink{};             ///< Of a GPU, one direction.
  Seconds nvlink_latency{};  ///< That the fabric adds to a collective's own in a node.
  std::string source{};
};

/// `{"record": "collective", ...}`: an entry of the profile's collectives. An efficiency that is
/// not given follows from the `exchange` and `transfer` rows of its id.
struct CollectiveRecord {
  spec::CollectiveCurve curve{};
  bool has_latency = false;
  bool has_rail = false;
  bool has_nvlink = false;
  int line = 0;
};

/// `{"record": "exchange", ...}`: a dispatch or combine of an expert group, as DeepEP's benchmark
/// and traces time it.
struct ExchangeRecord {
  std::vector<std::string> ids{};  ///< Of the collectives whose efficiency it tells.
  spec::Beside beside = spec::Beside::alone;
  bool bound_by_rails = false;  ///< `"bound": "rails"`, or `nvlink`.
  int nodes = 1;
  int nodes_per_token = 1;  ///< Its own among them.
  double copies = 1;        ///< Of a token on a node that it goes to.
  double tokens = 0;        ///< Of a rank.
  Bytes bytes_per_token{};
  Rate logical{};  ///< tokens x nodes_per_token x bytes_per_token over the time; or
  Seconds time{};  ///< the time itself.
  std::string source{};
};

/// `{"record": "transfer", ...}`: a collective of one node, as nccl-tests time it.
struct TransferRecord {
  std::vector<std::string> ids{};
  int ranks = 8;
  Bytes size{};  ///< As NCCL counts it: a rank sends (ranks - 1) / ranks of it.
  Seconds time{};
  std::string source{};
};

/// `{"record": "low_latency", ...}`: a dispatch or combine by kernels that send a token to each of
/// its experts at once, by itself, over NICs and in the node by NVLink.
struct LowLatencyRecord {
  std::vector<std::string> ids{};
  int ranks = 8;
  int ranks_per_node = 8;
  double tokens = 0;  ///< Of a rank.
  int experts_per_token = 1;
  Bytes bytes_per_message{};
  Seconds time{};
  std::string source{};
};

/// `{"record": "model", ...}`: operators of form gemm whose points are fitted as one. One that has
/// no points takes the model of the others.
struct ModelRecord {
  std::vector<std::string> ids{};
  int tile = 0;          ///< Rows and columns of a result that an SM computes at a time; 0: any.
  std::string source{};  ///< Of those without points.
};

/// `{"record": "in_step", ...}`: the share of its rates that products keep in a running step.
struct InStepRecord {
  std::vector<std::string> ids{};
  double share = 0;    ///< 0: it follows from the totals of `from`.
  std::string from{};  ///< What the totals beside communication of this operator leave, SMs apart.
  spec::Evidence evidence = spec::Evidence::estimated;
  std::string source{};
  int line = 0;
};

}  // namespace planewise::calibration
