// What the ranks of a job do in one step: programs of compute blocks and transfers, streamed slot
// by slot.
//
// A program is static and small (blocks and transfers are defined once and used for every layer and
// micro-batch); the millions of tasks of a step exist only as counters in the driver.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/units.h"
#include "spec/evidence.h"
#include "spec/profile.h"

namespace planewise::workload {

/// The lines of the published step table (arXiv 2505.09343, Table 4) that a rank's time belongs to.
/// Waiting for another stage is `bubble` wherever it happens.
enum class Phase : std::uint8_t {
  forward_1f,       ///< Forwards of the warm-up.
  overlapped_1f1b,  ///< The steady state: forwards and backwards in turn (here one after the
                    ///< other).
  backward_1b,      ///< Backwards beside no forward, with the weight gradients in them.
  weight_1w,        ///< Weight gradients that a schedule computes on their own.
  optimizer,        ///< Gradient reduction, update, parameter gathering.
  bubble,
};
inline constexpr int kPhaseCount = 6;
/// [Phase] As in reports.
inline constexpr std::array<const char*, kPhaseCount> kPhaseWords = {
    "forward_1f", "overlapped_1f1b", "backward_1b", "weight_1w", "optimizer", "bubble"};

/// Which of an operator's sizes a curve's times hang on.
enum class SizeKind : std::uint8_t {
  rows,      ///< Of one group of a matrix product.
  sequence,  ///< Tokens that attend to each other.
  traffic,   ///< Bytes in GPU memory.
};

/// What an operator was asked for outside the sizes that its curve was taken at.
struct Extrapolation {
  SizeKind kind = SizeKind::rows;
  double asked = 0;
  spec::ValidRange valid{};
};

/// One operator of a block: its work and, once timed, its time.
struct Operator {
  std::string id{};           ///< As in the profile.
  std::string what{};         ///< For the report: `q_b projection`.
  spec::GemmShape shape{};    ///< Matrix products; m = 0 otherwise.
  std::int64_t sequence = 0;  ///< Core attention: tokens that attend to each other; 0 otherwise.
  bool routed = false;        ///< Grows with the tokens that a rank received.
  Flop work{};
  Bytes traffic{};  ///< Read and written in GPU memory, as planewise counts it.
  Seconds time{};
  Seconds fixed{};            ///< Of `time`, launches and what hangs on no size.
  bool memory_bound = false;  ///< What is left of `time` follows from bytes rather than from FLOPs.
  spec::Evidence evidence = spec::Evidence::estimated;
  std::optional<Extrapolation> extrapolated{};  ///< Then the evidence is `estimated`.
};

/// Operators that run one after the other without communication between them.
struct Block {
  std::string name{};
  bool is_fused = false;  ///< Made of other blocks of the program.
  std::vector<Operator> operators{};
  Seconds time{};            ///< Sum over the operators.
  Seconds estimated_time{};  ///< The part of it that rests on `estimated` values.
  Seconds routed_time{};     ///< The part of it that grows with the tokens that a rank received.
};

/// A rank computes in the order of its steps. Beside that, each queue of a rank runs its exchanges
/// one after the other, in the order in which the rank asked for them, like a stream of a GPU.
enum class StepKind : std::uint8_t {
  compute,      ///< `index` is a block.
  exchange,     ///< `index` is a label; `start` and `wait` in one.
  start,        ///< `index` is a label; the exchange joins the label's queue, the rank goes on.
  wait,         ///< `index` is a label; until the rank's part of its oldest start, not yet waited
                ///< for, is done.
  send,         ///< `index` is a label; the rank goes on at once.
  send_queued,  ///< The same behind what is in the label's queue: what that brought is sent on.
  receive,      ///< `index` is a label; waits for one message.
};
struct Step {
  StepKind kind = StepKind::compute;
  int index = 0;
  int load = -1;  ///< compute: into Program::loads; -1: the rank has as much as every other.
};

/// A forward or a backward of one micro-batch on one stage, or the optimizer.
struct Chunk {
  std::string name{};
  std::vector<Step> steps{};
};
struct Slot {
  Phase phase = Phase::forward_1f;
  int chunk = 0;
};
/// What every rank of a stage runs: its slots in order, each a chunk.
struct StageProgram {
  std::vector<Chunk> chunks{};
  std::vector<Slot> slots{};
};

/// A kind of transfer: what a step names. Each rank takes part in at most one transfer of a label
/// (as a sender and as a receiver each, for messages). Labels of one name are one line of a report.
struct Label {
  std::string name{};
  std::string collective{};  ///< The profile's entry.
  spec::Evidence evidence = spec::Evidence::estimated;
  bool is_message =
      false;      ///< A message goes from one rank to another; an exchange joins its members.
  int queue = 0;  ///< Of exchanges and of queued sends; 0 to kQueueCount - 1.
};
inline constexpr int kQueueCount = 4;

struct RankFlow {
  int source = 0;
  int destination = 0;
  Bytes size{};  ///< On the wire: payload over the profile's efficiency.
};

/// A flow from every member of an exchange to every other one, written once.
struct AllPairs {
  Bytes in_node{};        ///< Of a flow between GPUs of one node, on the wire.
  Bytes between_nodes{};  ///< Of any other.
};

/// One instance of a label: an exchange of a group, or a message channel between two ranks.
///
/// An exchange starts when its last member arrives; a member goes on `tail` after the last flow
/// that touches it. Messages of a channel are sent one after the other.
struct Transfer {
  int label = 0;
  std::vector<int> members{};  ///< Ranks; for a message the source, then the destination.
  std::vector<RankFlow> flows{};
  std::optional<AllPairs> all_pairs{};  ///< Instead of `flows`.
  Seconds latency{};                    ///< Software; the fabric adds its hops.
  Seconds tail{};
};

/// One training step of a job, or the steps of a traffic workload.
struct Program {
  std::vector<StageProgram> stages{};
  std::vector<int> stage_of_rank{};
  std::vector<Block> blocks{};
  std::vector<Label> labels{};
  std::vector<Transfer> transfers{};
  /// Each start of a flow draws its size from within this share of it; 0: sizes are as they are.
  double size_spread = 0;
  /// [load][rank] Tokens received over those of balanced routing, by layer: what a block's
  /// routed_time is multiplied with. Empty where all are equal.
  std::vector<std::vector<double>> loads{};
  /// All stages run through the same slots, which are timed over all ranks.
  bool in_step = false;

  int rank_count() const { return static_cast<int>(stage_of_rank.size()); }
};

}  // namespace planewise::workload
