// What a hardware profile says: how long operators and collectives take on one kind of machine.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/units.h"
#include "spec/evidence.h"
#include "spec/exchanges.h"
#include "spec/input_error.h"

namespace planewise::spec {

/// What ran beside an operator or a collective when its time was taken, spelled as in YAML.
enum class Beside : std::uint8_t { alone, communication, compute };

/// How an operator's time follows from its work, spelled as in YAML.
enum class OperatorForm : std::uint8_t {
  gemm,       ///< A measured point of the same shape if there is one, else overhead + flop/rate +
              ///< bytes/rate, with the FLOPs of whole waves of tiles if there is a tile.
  flop_rate,  ///< flop / flop_rate.
  byte_rate,  ///< bytes / memory_rate, with the bytes that planewise counts for the operator.
  roofline,   ///< overhead + the longer of flop/rate and bytes/rate.
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

/// A rate at one length of sequence; between two, rates are taken linear in the length's logarithm.
struct SequencePoint {
  std::int64_t sequence = 0;  ///< Tokens that attend to each other.
  FlopRate rate{};
};

/// Of a byte_rate operator, what holds from a traffic on.
struct BytePiece {
  Bytes from{};
  Seconds overhead{};
  Rate memory_rate{};
};

/// The sizes that were measured: rows a group (gemm), tokens of a sequence (flop_rate) or bytes of
/// traffic (byte_rate).
struct ValidRange {
  double least = 0;
  double most = 0;
};

/// Relative errors of times at points that the fit did not see.
struct HeldOutError {
  int points = 0;
  double median = 0;
  double p90 = 0;
  double most = 0;
};

/// The worst check of results before times were taken.
struct ResultCheck {
  std::string metric{};
  double value = 0;
  double limit = 0;
};

/// Several curves may have one id, if they differ in SMs or in what ran beside them.
struct OperatorCurve {
  std::string id{};
  OperatorForm form = OperatorForm::flop_rate;
  int sms = 0;  ///< Streaming multiprocessors it ran on.
  Beside beside = Beside::alone;
  Evidence evidence = Evidence::estimated;  ///< Of the points, or of the rate where there are none.
  std::string source{};
  std::vector<GemmPoint> points{};                ///< gemm only.
  std::vector<SequencePoint> sequences{};         ///< flop_rate only; by length, may be empty.
  int kernels = 1;                                ///< Launched a call, each with a gap.
  FlopRate flop_rate{};                           ///< gemm (of the model), flop_rate, roofline.
  Rate memory_rate{};                             ///< gemm (of the model), byte_rate, roofline.
  Seconds overhead{};                             ///< gemm (of the model), byte_rate, roofline.
  Evidence model_evidence = Evidence::estimated;  ///< gemm: of shapes that are no point.
  /// gemm (of the model): rows and columns of the result that an SM computes at a time; 0: any.
  /// gemm: the share of its rates that a product timed by itself keeps in a step that runs, where
  /// clocks are lower and memory is shared.
  double in_step = 1;
  Evidence in_step_evidence = Evidence::estimated;
  std::string in_step_source{};
  int tile = 0;
  std::vector<BytePiece> pieces{};    ///< byte_rate; ascending, below the first the values above.
  std::optional<ValidRange> valid{};  ///< None: from the points or lengths, if there are any.
  std::optional<HeldOutError> held_out{};
  std::string implementation{};  ///< Of the kernels: `cublaslt_loop`.
  /// What was timed in its stead, such as `bf16 for fp8`; a workload that needs the operator is
  /// refused unless the user allows proxies. Empty: itself.
  std::string proxy{};
  std::optional<ResultCheck> check{};
};

/// Where the ranks of a collective are, spelled as in YAML.
enum class Reach : std::uint8_t {
  any,
  node,     ///< All on one node.
  network,  ///< On several.
};

/// What holds from a size on.
struct CollectivePiece {
  Bytes from{};  ///< Payload that a rank sends.
  Seconds latency{};
  double rail_efficiency = 1;
  double nvlink_efficiency = 1;
};

/// A collective's software cost. Its bytes become flows on the simulated fabric; the efficiencies
/// say how much of a link's rate its payload reaches, so a flow carries payload / efficiency.
struct CollectiveCurve {
  std::string id{};
  Reach reach = Reach::any;
  Seconds latency{};           ///< Before the first byte, without the fabric's hops.
  double rail_efficiency = 1;  ///< On NICs and switches.
  double nvlink_efficiency = 1;
  std::int64_t chunk_tokens =
      0;                   ///< Two-hop transfers forward in chunks; the last one trails. 0: none.
  Seconds message_time{};  ///< Of low-latency exchanges that the host posts, message by message.
  Beside beside = Beside::alone;          ///< `compute`: taken while the GPU computed.
  std::vector<CollectivePiece> pieces{};  ///< By size, ascending; below the first the values above.
  std::optional<HeldOutError> held_out{};
  Evidence evidence = Evidence::estimated;
  std::string source{};
};

struct GpuSpec {
  std::string name{};
  int sms = 0;
  FlopRate bf16_peak{};  ///< Dense; what MFU is counted against.
  Seconds kernel_gap{};  ///< Between two kernels of a stream.
  Rate memory_rate{};
  Bytes memory{};
  std::string source{};
};

/// The machine around the GPU, where experts are kept and computed there.
struct HostSpec {
  Bytes memory{};
  std::string source{};
};

/// How a measured profile came about; for the reader, nothing follows from it.
struct Provenance {
  std::string tool{};  ///< Name, version and git revision.
  std::string backend{};
  std::string measured{};  ///< UTC.
  std::string gpu_id{};    ///< A hash of its UUID.
  std::string driver{};
  std::map<std::string, std::string> libraries{};
  std::string compiler{};
  std::string raw_sha256{};  ///< Of the raw file.
  int points = 0;
  int samples = 0;
  int clock_mhz_min = 0;  ///< While measuring; 0: not known.
  int clock_mhz_max = 0;
  double power_w = 0;
  std::vector<std::string> throttle{};  ///< Reasons seen.
};

struct NotMeasuredEntry {
  std::string id{};
  std::string reason{};
};

/// A layer that was timed as a whole beside the sum of its operators.
struct SumCheck {
  std::string id{};
  Seconds operators{};
  Seconds whole{};
  double limit = 0;  ///< Of the relative difference; beyond it the sum is flagged.
};

struct ProfileSpec {
  Origin origin{};
  std::string name{};
  std::string source{};
  std::optional<Provenance> provenance{};
  std::vector<NotMeasuredEntry> not_measured{};
  std::vector<SumCheck> sums{};
  GpuSpec gpu{};
  std::optional<HostSpec> host{};
  std::optional<LinkRates> links{};
  std::vector<OperatorCurve> operators{};
  std::vector<CollectiveCurve> collectives{};
  std::vector<Interference> interference{};
  std::vector<MeasuredExchange> exchanges{};  ///< What can be simulated again.
};

/// Where an operator runs.
struct OperatorPlace {
  int sms = 0;  ///< 0: all of the GPU's.
  Beside beside = Beside::alone;
  bool in_step = false;  ///< Not timed by itself: OperatorCurve::in_step holds.
};

/// The entry named `id`, or null. Of several, the one that was taken in the same place; else the
/// one with what ran beside it the same; else the first. Of collectives, too, the one that reaches
/// as far, or does not say how far.
const OperatorCurve* find_operator(const ProfileSpec& profile, const std::string& id,
                                   const OperatorPlace& place = {});
const CollectiveCurve* find_collective(const ProfileSpec& profile, const std::string& id,
                                       Beside beside = Beside::alone, Reach reach = Reach::any);

/// `curve` as it is for a payload of `size` a rank: its piece's latency and efficiencies.
CollectiveCurve at_size(const CollectiveCurve& curve, Bytes size);

}  // namespace planewise::spec
