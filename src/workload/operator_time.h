// Times of operators from a hardware profile's curves.
#pragma once

#include <string>
#include <vector>

#include "spec/profile.h"
#include "workload/program.h"

namespace planewise::workload {

/// Fills in the time and evidence of every operator of `block` where it runs at `place`, and the
/// block's sums.
///
/// Of several curves spec::find_operator chooses. One that was taken in another place counts as
/// `estimated`; if it was taken on more SMs than `place` has, its rates of FLOPs are lowered in
/// proportion, those of bytes are not. A product of a shape that is no point takes the curve's
/// model (if it has a tile: with the last, partly filled wave of tiles counted as a whole one),
/// which is an estimate with fewer or more rows a group than any point. A rate by length of
/// sequence is linear in the length's logarithm between two points and that of the nearest beyond
/// them: an estimate where it is over twice as long, or under half. Each launched kernel adds the
/// GPU's gap. Requires: `profile` has every operator (spec::check_profile).
void time_block(Block& block, const spec::ProfileSpec& profile,
                const spec::OperatorPlace& place = {});

/// The profile entries that `blocks` need, each once, in order of first use.
std::vector<std::string> operator_ids(const std::vector<Block>& blocks);

}  // namespace planewise::workload
