// A star of TCP connections around rank 0: small texts from all to one and from one to all, and
// word of a rank that is gone.
//
// For about a thousand ranks at most: rank 0 holds a connection to each.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include "calibration/launch/socket.h"
#include "calibration/launch/world.h"

namespace planewise::calibration {

struct StoreOptions {
  double start_timeout = 60;  ///< Seconds until all ranks are there.
  double timeout = 60;        ///< Seconds until a rank that says nothing is taken for hung.
  int listener = -1;          ///< Of rank 0: a socket that listens already; -1: open one.
};

/// A rank is gone or hung, or another one said that it gives up.
class PeerFailed : public std::runtime_error {
 public:
  PeerFailed(const std::string& what, bool is_relayed)
      : std::runtime_error(what), is_relayed_(is_relayed) {}
  /// Whether another rank found it out, and says it.
  bool is_relayed() const { return is_relayed_; }

 private:
  bool is_relayed_ = false;
};

class Store {
 public:
  /// Connects all ranks. Rank 0 throws PeerFailed with the ranks that are missing at the timeout,
  /// or std::system_error if its port is taken; the others TimedOut if they cannot reach it.
  /// Connections of other programs and of other jobs are turned away.
  Store(const World& world, const StoreOptions& options);

  int rank() const { return world_.rank; }
  int size() const { return world_.size; }
  /// The host that other ranks can reach rank `rank` at, as rank 0 sees it.
  const std::vector<std::string>& addresses() const { return addresses_; }

  /// What rank 0 gave. This and the next ones are called by all ranks in the same order, and throw
  /// PeerFailed. `patience` seconds may pass instead of the timeout, where rank 0 has long work to
  /// do first.
  std::string broadcast(const std::string& text, double patience = 0);
  /// [rank] on rank 0; empty elsewhere.
  std::vector<std::string> gather(const std::string& text);
  /// [rank] on every rank.
  std::vector<std::string> all_gather(const std::string& text);
  void barrier();

  /// Throws PeerFailed if a rank that this one is connected to is gone or gave up; waits for
  /// nothing. May be called by another thread while no other call is running.
  void check_peers() const;

  /// Tells the others why this rank gives up; never throws.
  void give_up(const std::string& reason) noexcept;

 private:
  void accept_all(const StoreOptions& options);
  void join(const StoreOptions& options);
  void send(int rank, const std::string& text);
  std::string receive(int rank, double patience = 0);
  void await_any(const std::vector<bool>& wanted, Deadline deadline) const;
  [[noreturn]] void throw_lost(int rank, const std::string& why) const;
  int first_peer() const { return world_.rank == 0 ? 1 : 0; }
  int end_peer() const { return world_.rank == 0 ? world_.size : 1; }

  World world_;
  double timeout_ = 60;
  std::vector<Socket> sockets_;  ///< [rank] Rank 0 has all others, they have rank 0.
  std::vector<std::string> addresses_;
};

}  // namespace planewise::calibration
