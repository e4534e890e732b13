// What a catalogue, the prices of its parts and a topology that is built from them say together.
#include "spec/check_parts.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "spec/example_files.h"
#include "spec/mistakes.h"
#include "spec/read.h"

namespace planewise::spec {
namespace {

using Texts = std::vector<std::string>;

template <class Spec>
Spec read(Spec (*reader)(Document, Diagnostics&), std::string_view text) {
  Diagnostics diagnostics;
  Spec spec = reader(parse_document("f", std::string(text), diagnostics), diagnostics);
  EXPECT_EQ(test::mistakes(diagnostics, "f"), Texts{});
  return spec;
}

Texts book_mistakes(const std::string& book) {
  Diagnostics diagnostics;
  check_book_and_parts(read(read_price_book, book), read(read_parts, test::kCatalogue),
                       diagnostics);
  return test::mistakes(diagnostics, "f");
}

TEST(CheckParts, BookPricesPartsOfTheCatalogue) {
  EXPECT_EQ(book_mistakes(std::string(test::kPartPrices)), Texts{});
  EXPECT_EQ(book_mistakes(std::string(test::kPriceBook)), Texts{});
  EXPECT_EQ(book_mistakes(test::changed(test::kPartPrices, "part: card", "part: cadr")),
            (Texts{"13:12: parts[1].part: unknown part 'cadr'; did you mean 'card'?"}));
  EXPECT_EQ(book_mistakes(test::changed(test::kPartPrices, "part: twin", "part: triplet")),
            (Texts{"14:12: parts[2].part: unknown part 'triplet'"}));
  EXPECT_EQ(
      book_mistakes(test::changed(test::kPartPrices, "part: glass-fibre", "part: splitter")),
      (Texts{"19:15: parts[3].metre_lo: splitter is a cable; only fibre is sold by the metre"}));
}

Texts quote_mistakes(const std::string& quotes, std::string_view book = test::kPartPrices) {
  Diagnostics diagnostics;
  check_quotes(read(read_quotes, quotes), read(read_price_book, book),
               read(read_parts, test::kCatalogue), diagnostics);
  return test::mistakes(diagnostics, "f");
}

TEST(CheckParts, QuotesAreOfPartsOfTheCatalogue) {
  EXPECT_EQ(quote_mistakes(std::string(test::kQuotes)), Texts{});
  EXPECT_EQ(quote_mistakes(test::changed(test::kQuotes, "part: box", "part: bxo")),
            (Texts{"6:12: quotes[0].part: unknown part 'bxo'; did you mean 'box'?"}));
  EXPECT_EQ(
      quote_mistakes(test::changed(test::kQuotes, "part: glass-fibre", "part: twin")),
      (Texts{"7:44: quotes[1].per_metre: twin is a module; only fibre is sold by the metre"}));
  EXPECT_EQ(quote_mistakes(test::changed(test::kQuotes, "part: card", "part: cart")),
            (Texts{"10:12: discounts[1].part: unknown part 'cart'; did you mean 'card'?"}));
  // The rack is in the catalogue, but not in the book.
  EXPECT_EQ(quote_mistakes(test::changed(test::kQuotes, "part: box", "part: rack")), Texts{});
  EXPECT_EQ(quote_mistakes(test::changed(test::kQuotes, "part: card", "part: rack")),
            (Texts{"10:12: discounts[1].part: price book 'street' has no price of rack to take a "
                   "share off"}));
}

TEST(CheckParts, QuotesDoNotGoWithRoles) {
  const std::string quotes(test::kQuotes);
  EXPECT_EQ(quote_mistakes(quotes, test::kPriceBook),
            (Texts{"6:3: quotes: price book 'prices' has prices by role; quotes are of parts"}));
  const std::size_t at = quotes.find("quotes:\n");
  const std::string discounts = quotes.substr(0, at) + quotes.substr(quotes.find("discounts:"));
  EXPECT_EQ(quote_mistakes(discounts, test::kPriceBook),
            (Texts{"6:3: discounts: price book 'prices' has prices by role; quotes are of parts"}));
}

/// The shipped parts, and a topology of 64-port switches of 400 Gb/s; a test changes one value.
class CheckEquipment : public testing::Test {
 protected:
  CheckEquipment() {
    const std::filesystem::path folder = std::filesystem::path(PLANEWISE_ROOT) / "topologies/parts";
    Diagnostics diagnostics;
    catalogue = read_parts((folder / "catalogue-2026.yaml").string(), diagnostics);
    book = read_price_book((folder / "street-2026.yaml").string(), diagnostics);
    EXPECT_TRUE(diagnostics.empty());
    topology.origin.path = "f";
    topology.fabric.radix = 64;
    topology.fabric.link_rate = gigabits_per_second(400);
    topology.fabric.uplink_rate = gigabits_per_second(400);
    topology.equipment = EquipmentSpec{
        .leaf = "ib-qm9700",
        .spine = "ib-qm9700",
        .core = "ib-qm9700",
        .nic = "cx7-400",
        .links = {"dac-ndr", "dac-ndr-splitter", "osfp-2x400-dr4-500", "osfp-400-dr4"}};
  }

  Diagnostics found() {
    Diagnostics diagnostics;
    check_equipment(topology, catalogue, book, diagnostics);
    return diagnostics;
  }
  Texts mistakes() { return test::mistakes(found(), "f"); }
  std::string hint() { return found().list().at(0).hint; }

  CatalogueSpec catalogue;
  PriceBookSpec book;
  TopologySpec topology;
};

TEST_F(CheckEquipment, HasNothingAgainstWhatFits) {
  EXPECT_EQ(mistakes(), Texts{});
  topology.equipment->links.clear();
  EXPECT_EQ(mistakes(), Texts{});
}

TEST_F(CheckEquipment, SwitchesAreInTheCatalogue) {
  topology.equipment->spine = "ib-qm970";
  EXPECT_EQ(mistakes(), (Texts{"equipment.spine: unknown switch 'ib-qm970'; did you mean "
                               "'ib-qm9700'?"}));
  topology.equipment->spine = "cx7-400";
  EXPECT_EQ(mistakes(), (Texts{"equipment.spine: cx7-400 is a NIC; name a switch"}));
  topology.equipment->spine = "nvl5-tray";
  EXPECT_EQ(mistakes(), (Texts{"equipment.spine: nvl5-tray is for nvlink networks and joins no "
                               "NICs"}));
}

// Spine and core are the leaf's part unless the file says otherwise: one mistake, not three.
TEST_F(CheckEquipment, APartThatStandsForThreeIsOneMistake) {
  topology.equipment->leaf = topology.equipment->spine = topology.equipment->core = "x";
  EXPECT_EQ(mistakes(), (Texts{"equipment.leaf: unknown switch 'x'"}));
  EXPECT_EQ(hint(), "name a part of " + catalogue.origin.path);
}

TEST_F(CheckEquipment, SwitchesHaveThePorts) {
  topology.fabric.radix = 128;
  EXPECT_EQ(mistakes(), (Texts{"equipment.leaf: ib-qm9700 has 64 ports of 400 Gb/s, not 128"}));
  EXPECT_EQ(hint(), "");
  topology.equipment->leaf = "eth-sn5400";
  EXPECT_EQ(mistakes().at(0), "equipment.leaf: eth-sn5400 has 64 ports of 400 Gb/s, not 128");
  EXPECT_EQ(hint(),
            "of the catalogue eth-sn5600, eth-sn5610, eth-sn6600, eth-th5-64x800, eth-th6-128x800 "
            "would do");
  topology.fabric.radix = 32;  // ports may stay free
  topology.equipment->leaf = "ib-qm9700";
  EXPECT_EQ(mistakes(), Texts{});
}

TEST_F(CheckEquipment, SwitchesHaveTheRate) {
  topology.equipment->core = "eth-th6-128x800";
  topology.fabric.link_rate = topology.fabric.uplink_rate = gigabits_per_second(100);
  EXPECT_EQ(mistakes().at(1),
            "equipment.core: eth-th6-128x800 has no ports of 100 Gb/s, but 64 of 1600 Gb/s or 128 "
            "of 800 Gb/s or 256 of 400 Gb/s or 512 of 200 Gb/s");
}

TEST_F(CheckEquipment, NicHasAPortForEachEndpoint) {
  topology.equipment->nic = "cx6-200";
  topology.equipment->links.clear();
  EXPECT_EQ(mistakes(), (Texts{"equipment.nic: cx6-200 has 1 x 200 Gb/s, not 1 x 400 Gb/s"}));
  EXPECT_EQ(hint(), "of the catalogue cx7-400, cx8-2x400, bf3-400, thor2-400 would do");
  topology.equipment->nic = "cx7-400";
  topology.fabric.family = Family::dual_tor;
  EXPECT_EQ(mistakes(), (Texts{"equipment.nic: cx7-400 has 1 x 400 Gb/s, not 2 x 400 Gb/s"}));
  topology.equipment->nic = "cx8-2x400";
  EXPECT_EQ(mistakes(), Texts{});
  topology.equipment->nic = "ib-qm9700";
  EXPECT_EQ(mistakes(), (Texts{"equipment.nic: ib-qm9700 is a switch; name a NIC"}));
}

TEST_F(CheckEquipment, ModulesAndCablesFitACage) {
  topology.equipment->links = {"osfp-2x400-sr4", "q112-400-sr4"};
  EXPECT_EQ(mistakes(), (Texts{"equipment.links[1]: q112-400-sr4 goes into qsfp112; the switches "
                               "have osfp, the NIC osfp"}));
  EXPECT_EQ(hint(),
            "of the catalogue osfp-2x400-sr4, osfp-2x400-dr4-500, osfp-2x400-dr4-100, "
            "osfp-2x400-fr4, osfp-400-sr4 and others would do");
  topology.equipment->nic = "thor2-400";
  EXPECT_EQ(mistakes(), Texts{});
  topology.equipment->links = {"lacc-xdr", "fibre-sm-mpo12", "dac-ndr-spliter"};
  EXPECT_EQ(mistakes(),
            (Texts{"equipment.links[0]: lacc-xdr is for links of 800 Gb/s, not 400 Gb/s",
                   "equipment.links[1]: fibre-sm-mpo12 is a fibre; name a module or cable",
                   "equipment.links[2]: unknown module or cable 'dac-ndr-spliter'; did you mean "
                   "'dac-ndr-splitter'?"}));
}

// A cable has to fit at both ends: this one joins osfp to osfp.
TEST_F(CheckEquipment, CablesFitAtBothEnds) {
  topology.equipment->leaf = topology.equipment->spine = topology.equipment->core = "eth-sn5400";
  topology.equipment->links = {"dac-ndr"};
  EXPECT_EQ(mistakes(), (Texts{"equipment.links[0]: dac-ndr goes into osfp below and osfp above; "
                               "the switches have qsfp_dd, the NIC osfp"}));
}

TEST_F(CheckEquipment, UplinksMayHaveARateOfTheirOwn) {
  topology.fabric.radix = 16;
  topology.fabric.uplink_rate = gigabits_per_second(800);
  topology.equipment->leaf = topology.equipment->spine = topology.equipment->core = "eth-sn6600";
  topology.equipment->links = {"osfp-1600-2dr4"};
  EXPECT_EQ(mistakes(), Texts{});
}

TEST_F(CheckEquipment, EveryNamedPartHasAPrice) {
  std::erase_if(book.parts, [](const PartPrice& price) {
    return price.part == "ib-qm9700" || price.part == "cx7-400" || price.part == "dac-ndr";
  });
  EXPECT_EQ(mistakes(),
            (Texts{"equipment.leaf: price book 'street-2026' has no price of ib-qm9700",
                   "equipment.nic: price book 'street-2026' has no price of cx7-400",
                   "equipment.links[0]: price book 'street-2026' has no price of dac-ndr"}));
  book.parts.clear();  // no book, or one of roles
  EXPECT_EQ(mistakes(), Texts{});
}

TEST_F(CheckEquipment, RacksHoldTheSwitches) {
  topology.equipment->rack = "rack-48u";
  EXPECT_EQ(mistakes(), Texts{});
  topology.equipment->rack = "ib-qm9700";
  EXPECT_EQ(mistakes(), (Texts{"equipment.rack: ib-qm9700 is a switch; name a rack"}));
  topology.equipment->rack = "ufm-per-node";
  EXPECT_EQ(mistakes(), (Texts{"equipment.rack: ufm-per-node is infrastructure; name a rack"}));
  topology.equipment->rack = "rack-48u";
  topology.floor.switches_per_rack = 49;
  EXPECT_EQ(mistakes(), (Texts{"equipment.rack: 49 switches of 1U do not fit in a rack of 48U"}));
  EXPECT_EQ(hint(), "write 48 or less for floor.switches_per_rack");
  topology.origin.positions["floor.switches_per_rack"] = {.line = 9, .column = 1};
  EXPECT_EQ(mistakes(), (Texts{"9:1: floor.switches_per_rack: 49 switches of 1U do not fit in a "
                               "rack of 48U"}));
}

// The tallest counts, of leaf, spine and core; one whose height is not known counts as none.
TEST_F(CheckEquipment, RacksHoldTheTallestSwitch) {
  topology.equipment->rack = "rack-48u";
  topology.equipment->core = "eth-sn5400";
  topology.equipment->links.clear();
  const auto of_height = [&](int rack_units) {
    for (SwitchPart& part : catalogue.switches) {
      if (part.id == "eth-sn5400") part.rack_units = rack_units;
    }
    return mistakes();
  };
  EXPECT_EQ(of_height(6), Texts{});  // 8 x 6
  EXPECT_EQ(of_height(0), Texts{});
  EXPECT_EQ(of_height(7), (Texts{"equipment.rack: 8 switches of 7U do not fit in a rack of 48U"}));
  EXPECT_EQ(hint(), "write 6 or less for floor.switches_per_rack");
  EXPECT_EQ(of_height(49).size(), 1U);
  EXPECT_EQ(hint(), "name a taller rack");
}

TEST_F(CheckEquipment, RacksHaveAPrice) {
  topology.equipment->rack = "rack-48u";
  std::erase_if(book.parts, [](const PartPrice& price) { return price.part == "rack-48u"; });
  EXPECT_EQ(mistakes(),
            (Texts{"equipment.rack: price book 'street-2026' has no price of rack-48u"}));
  topology.equipment->rack = "rack-48";
  EXPECT_EQ(mistakes(),
            (Texts{"equipment.rack: unknown rack 'rack-48'; did you mean 'rack-48u'?"}));
}

TEST_F(CheckEquipment, ManagementIsBuiltFromPartsToo) {
  topology.management =
      ManagementSpec{.ports_per_node = 1, .radix = 48, .switch_part = "eth-sn2201"};
  EXPECT_EQ(mistakes(), Texts{});
  topology.management->radix = 64;
  EXPECT_EQ(mistakes(), (Texts{"management.switch: eth-sn2201 has 48 ports, not 64"}));
  topology.management->switch_part = "rack-48u";
  EXPECT_EQ(mistakes(), (Texts{"management.switch: rack-48u is infrastructure; name a switch"}));
  topology.management->switch_part = "";
  EXPECT_EQ(mistakes(), (Texts{"management: no 'switch', though the fabric is built from parts"}));
}

}  // namespace
}  // namespace planewise::spec
