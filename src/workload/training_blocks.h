// The compute blocks of a job: every piece of a layer in its passes, timed, and runs of them fused.
#pragma once

#include <array>
#include <map>
#include <vector>

#include "spec/job.h"
#include "spec/model.h"
#include "spec/profile.h"
#include "workload/program.h"

namespace planewise::workload {

/// Pieces of layers between which communication can come; see workload/operators.h.
enum class Piece : std::uint8_t {
  attention_in,
  attention_core,
  attention_out,
  router,
  experts,
  gradient_quantise,  ///< Backward only.
  dense_in,
  dense_out,
  embedding,
  head,
  mtp_input,
};
inline constexpr int kPieceCount = 11;

/// What is computed of a piece.
enum class Part : std::uint8_t { forward, backward, weight };
inline constexpr int kPartCount = 3;

/// Whether a block runs beside the communication of a pair, on the SMs that it leaves.
enum class Setting : std::uint8_t { alone, paired };
inline constexpr int kSettingCount = 2;

/// Every piece that the job runs, untimed; those it does not run are left without operators. The
/// order is [piece][part].
std::vector<Block> job_blocks(const spec::JobSpec& job, const spec::ModelSpec& model);

/// Timed blocks by piece, part and setting; and fused ones, each made once.
class BlockTable {
 public:
  BlockTable(const spec::JobSpec& job, const spec::ModelSpec& model,
             const spec::ProfileSpec& profile);

  /// Index of a piece's block; -1 if it has no operators.
  int find(Piece piece, Part part, Setting setting) const;
  /// One block for several that run one after the other. Requires at least one.
  int fuse(const std::vector<int>& run);
  /// Adds the update of `parameters` a rank, for one pipeline rank.
  int add_optimizer(double parameters, int pipeline_rank);

  std::vector<Block> take() { return std::move(blocks_); }
  const Block& block(int index) const { return blocks_[static_cast<std::size_t>(index)]; }

 private:
  const spec::JobSpec& job_;
  const spec::ProfileSpec& profile_;
  std::vector<Block> blocks_;
  std::array<int, std::size_t{kPieceCount} * kPartCount * kSettingCount> index_{};
  std::map<std::vector<int>, int> fused_;
};

}  // namespace planewise::workload
