// SPDX-License-Identifier: MIT
// Parses and converts options. The first of these has priority: command line, environment, file, default.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "frame/command.hpp"
#include "frame/settings.hpp"

namespace netlab::app {

/// The options and arguments of one call. A getter converts a value; the first value that cannot be converted is kept
/// as the failure, with its origin, and the getter returns a default. So read all values first, then check error()
/// once.
class arguments {
 public:
  struct value {
    std::string text;
    std::string origin;  ///< empty: the command line
  };

  /// True if the option has a value from any source, including the default in the file.
  [[nodiscard]] bool has(std::string_view name) const;
  /// True if the option is on the command line.
  [[nodiscard]] bool is_typed(std::string_view name) const;
  /// Refuses the option from the environment and the file: it must be on the command line.
  void only_typed(std::string_view name);
  [[nodiscard]] bool flag(std::string_view name);
  [[nodiscard]] std::string text(std::string_view name);
  [[nodiscard]] std::uint64_t number(std::string_view name, std::uint64_t least, std::uint64_t most);
  [[nodiscard]] netlab::duration duration(std::string_view name);
  /// A duration of at least 1 ms, for waiting for a peer.
  [[nodiscard]] netlab::duration timeout(std::string_view name);
  /// Any other type: `parse` converts the text to a result<Value>.
  template <class Parse>
  [[nodiscard]] auto as(std::string_view name, Parse parse) ->
      typename decltype(parse(std::string_view{}))::value_type {
    using type = typename decltype(parse(std::string_view{}))::value_type;
    const auto found = last(name);
    if (!found) return type{};
    auto parsed = parse(std::string_view(found->text));
    if (parsed) return *std::move(parsed);
    refuse(name, *found, parsed.error());
    return type{};
  }

  /// The same for each value of a repeatable option.
  template <class Parse>
  [[nodiscard]] auto list_as(std::string_view name, Parse parse) {
    std::vector<typename decltype(parse(std::string_view{}))::value_type> all;
    const auto found = given_.find(name);
    if (found == given_.end()) return all;
    for (const value& each : found->second) {
      auto parsed = parse(std::string_view(each.text));
      if (parsed)
        all.push_back(*std::move(parsed));
      else
        refuse(name, each, parsed.error());
    }
    return all;
  }

  /// Of two alternative options, one on the command line overrides the other one in the environment or the file.
  void prefer_typed(std::string_view one, std::string_view other);
  /// The same for two flags that exclude each other; refuses both from the same source.
  void exclude(std::string_view one, std::string_view other);
  /// Records any other usage error.
  void refuse(failure why);

  /// The operands, in order.
  [[nodiscard]] const std::vector<std::string>& positionals() const noexcept { return positionals_; }
  /// All values of a repeatable option, in order.
  [[nodiscard]] std::vector<std::string> texts(std::string_view name) const;
  /// `--interval is ignored without --watch`: a line for each option on the command line that has no effect.
  [[nodiscard]] std::vector<std::string> ignored_options() const;
  /// The action being called.
  [[nodiscard]] const action& called() const noexcept { return *action_; }
  /// Of an option that is not on the command line: these values replace those of the environment and the file. None:
  /// the option has no value. `origin`: where they come from, for errors.
  void supply(std::string_view name, const std::vector<std::string>& values, const std::string& origin);
  /// The same for the operands.
  void supply_positionals(std::vector<std::string> operands) { positionals_ = std::move(operands); }
  /// For an action without operands.
  void refuse_positionals();

  [[nodiscard]] const std::optional<failure>& error() const noexcept { return error_; }

 private:
  friend result<arguments> parse_arguments(const action&, std::span<const std::string>, const settings&);
  [[nodiscard]] std::optional<value> last(std::string_view name) const;
  void refuse(std::string_view name, const value& bad, failure why);

  const action* action_ = nullptr;
  std::map<std::string, std::vector<value>, std::less<>> given_;
  std::vector<std::string> positionals_;
  std::optional<failure> error_;
};

/// `typed`: the words after the command and its verb. A word such as -5 is an operand, unless it is the option -4 or -6
/// and no operand precedes it. For actions with takes_transport, the word `tcp` or `udp` stands for the option. Fails
/// with errc::usage; an unknown option comes with the nearest known one.
[[nodiscard]] result<arguments> parse_arguments(const action& of, std::span<const std::string> typed,
                                                const settings& from);

/// True if --help is among the options; checks nothing else.
[[nodiscard]] bool asks_for_help(const action& of, std::span<const std::string> typed);

}  // namespace netlab::app
