// Checks between a catalogue, the prices of its parts, and a topology that is built from them.
// Mistakes point at the file that can be changed: the book, the quotes, or the topology.
#pragma once

#include "spec/input_error.h"
#include "spec/parts.h"
#include "spec/price_book.h"
#include "spec/topology.h"

namespace planewise::spec {

/// Every part that the book prices is in the catalogue, and only fibre has prices by the metre.
void check_book_and_parts(const PriceBookSpec& book, const CatalogueSpec& catalogue,
                          Diagnostics& diagnostics);

/// Every part that is quoted or discounted is in the catalogue; a discount is off a price that the
/// book has. Quotes do not go with a book of role prices.
void check_quotes(const QuotesSpec& quotes, const PriceBookSpec& book,
                  const CatalogueSpec& catalogue, Diagnostics& diagnostics);

/// Requires `topology.equipment`.
///
/// The parts that it names are in the catalogue and of the right kind; the switches have
/// `fabric.radix` ports of `fabric.link_rate`, the NIC has a port of that rate for each of its
/// endpoints; every module and cable fits a cage; `floor.switches_per_rack` of the tallest switch
/// fit in the rack. If the book has prices by part, each named part has one.
void check_equipment(const TopologySpec& topology, const CatalogueSpec& catalogue,
                     const PriceBookSpec& book, Diagnostics& diagnostics);

}  // namespace planewise::spec
