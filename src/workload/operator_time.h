// Times of operators from a hardware profile's curves.
#pragma once

#include <string>
#include <vector>

#include "spec/profile.h"
#include "workload/program.h"

namespace planewise::workload {

/// What `sms` SMs could do in the time that they need at least for `shape`: each computes one tile
/// of `tile` rows and columns at a time, and all wait for the last wave. With tile 0 the product's
/// own FLOPs.
Flop whole_waves(const spec::GemmShape& shape, int tile, int sms);

/// Fills in the time and evidence of every operator of `block` where it runs at `place`, and the
/// block's sums.
///
/// Of several curves spec::find_operator chooses. One that was taken in another place counts as
/// `estimated`; if it was taken on more SMs than `place` has, its rates of FLOPs are lowered in
/// proportion, those of bytes are not. A product of a shape that is no point takes the curve's
/// model (if it has a tile: with the last, partly filled wave of tiles counted as a whole one); if
/// two points differ from it in their rows alone, fewer and more, the model times what it misses
/// them by, linear in the logarithm of the rows. A rate by length of sequence is linear in the
/// length's logarithm between two points and that of the nearest beyond them. An operator of bytes
/// takes the overhead and the rate of the piece that its traffic is in. Each launched kernel adds
/// the GPU's gap.
///
/// What is asked for outside the curve's valid sizes is `extrapolated`, and an estimate; a curve
/// that names none is valid within the rows of its points, and from half its shortest to twice its
/// longest sequence. A curve of something else (`proxy`) is an estimate, too. Requires: `profile`
/// has every operator (spec::check_profile).
void time_block(Block& block, const spec::ProfileSpec& profile,
                const spec::OperatorPlace& place = {});

/// The profile entries that `blocks` need, each once, in order of first use.
std::vector<std::string> operator_ids(const std::vector<Block>& blocks);

}  // namespace planewise::workload
