// What a hardware profile says: how long operators and collectives take on one kind of machine.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/units.h"
#include "spec/evidence.h"
#include "spec/input_error.h"

namespace planewise::spec {

/// What ran beside an operator when its time was taken, spelled as in YAML.
enum class Beside : std::uint8_t { alone, communication };

/// How an operator's time follows from its work, spelled as in YAML.
enum class OperatorForm : std::uint8_t {
  gemm,       ///< A measured point of the same shape if there is one, else overhead + flop/rate +
              ///< bytes/rate.
  flop_rate,  ///< flop / flop_rate.
  byte_rate,  ///< bytes / memory_rate, with the bytes that planewise counts for the operator.
};

/// `groups` products of an m x k by a k x n matrix; m counts the rows of one group.
struct GemmShape {
  std::int64_t groups = 1;
  std::int64_t m = 0;
  std::int64_t n = 0;
  std::int64_t k = 0;

  bool operator==(const GemmShape&) const = default;
};

struct GemmPoint {
  GemmShape shape{};
  FlopRate rate{};  ///< Achieved: 2 groups m n k over the time.
};

struct OperatorCurve {
  std::string id{};
  OperatorForm form = OperatorForm::flop_rate;
  int sms = 0;  ///< Streaming multiprocessors it ran on.
  Beside beside = Beside::alone;
  Evidence evidence = Evidence::estimated;  ///< Of the points, or of the rate where there are none.
  std::string source{};
  std::vector<GemmPoint> points{};                ///< gemm only.
  FlopRate flop_rate{};                           ///< gemm (of the model), flop_rate.
  Rate memory_rate{};                             ///< gemm (of the model), byte_rate.
  Seconds overhead{};                             ///< gemm (of the model).
  Evidence model_evidence = Evidence::estimated;  ///< gemm: of shapes that are no point.
};

/// A collective's software cost. Its bytes become flows on the simulated fabric; the efficiencies
/// say how much of a link's rate its payload reaches, so a flow carries payload / efficiency.
struct CollectiveCurve {
  std::string id{};
  Seconds latency{};           ///< Before the first byte, without the fabric's hops.
  double rail_efficiency = 1;  ///< On NICs and switches.
  double nvlink_efficiency = 1;
  std::int64_t chunk_tokens =
      0;  ///< Two-hop transfers forward in chunks; the last one trails. 0: none.
  Evidence evidence = Evidence::estimated;
  std::string source{};
};

struct GpuSpec {
  std::string name{};
  int sms = 0;
  FlopRate bf16_peak{};  ///< Dense; what MFU is counted against.
  Rate memory_rate{};
  Bytes memory{};
  std::string source{};
};

struct ProfileSpec {
  Origin origin{};
  std::string name{};
  std::string source{};
  GpuSpec gpu{};
  std::vector<OperatorCurve> operators{};
  std::vector<CollectiveCurve> collectives{};
};

/// The entry named `id`, or null.
const OperatorCurve* find_operator(const ProfileSpec& profile, const std::string& id);
const CollectiveCurve* find_collective(const ProfileSpec& profile, const std::string& id);

}  // namespace planewise::spec
