#include "packet/transport.h"

namespace planewise::packet {

std::vector<Transport> all_transports() {
  return {
      {.name = "fair", .queueing = Queueing::fair},
      {.name = "fifo", .queueing = Queueing::fifo},
      {.name = "dctcp", .queueing = Queueing::marking, .is_dctcp = true},
      {.name = "dctcp_10", .queueing = Queueing::marking, .is_dctcp = true, .initial_window = 10}};
}

}  // namespace planewise::packet
