// SPDX-License-Identifier: MIT
// Arguments as typed become arguments as meant: command line before environment before file before default.
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
#include "command.hpp"
#include "settings.hpp"

namespace netlab::app {

/// The options and arguments of one call. A getter converts; the first value that cannot be converted is
/// kept as the failure, named with the place it stands in, and the getters go on with a default: read all,
/// then ask once.
class arguments {
 public:
  struct value {
    std::string text;
    std::string origin;  ///< empty: the command line
  };

  /// Anything gave a value, be it only the default in the file.
  [[nodiscard]] bool has(std::string_view name) const;
  /// It stands on the command line.
  [[nodiscard]] bool is_typed(std::string_view name) const;
  /// For what has to be said by name in the command: refuses it from the environment and the file.
  void only_typed(std::string_view name);
  [[nodiscard]] bool flag(std::string_view name);
  [[nodiscard]] std::string text(std::string_view name);
  [[nodiscard]] std::uint64_t number(std::string_view name, std::uint64_t least, std::uint64_t most);
  [[nodiscard]] netlab::duration duration(std::string_view name);
  /// A duration of at least 1 ms: what waits for a peer.
  [[nodiscard]] netlab::duration timeout(std::string_view name);
  /// Any other type: `parse` turns the text into a result<Value>.
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

  /// Of two options that choose, the typed one stands against the other in the environment or the file.
  void prefer_typed(std::string_view one, std::string_view other);
  /// The same for two flags that exclude each other: both in one place are refused.
  void exclude(std::string_view one, std::string_view other);
  /// Anything else that cannot be meant.
  void refuse(failure why);

  /// What is not an option, in order.
  [[nodiscard]] const std::vector<std::string>& positionals() const noexcept { return positionals_; }
  /// All values of a repeatable option, in order.
  [[nodiscard]] std::vector<std::string> texts(std::string_view name) const;
  /// `--interval is ignored without --watch`: what was typed and has no effect, a line each.
  [[nodiscard]] std::vector<std::string> ignored_options() const;
  /// The action that is called.
  [[nodiscard]] const action& called() const noexcept { return *action_; }
  /// For an action that takes none.
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

/// `typed` is what follows the command and its verb. A word such as -5 is an argument, not an option, unless
/// it is the option -4 or -6 and no argument has come yet. The word of a transport is its option, as the action says.
/// Fails with errc::usage; an unknown option comes with the nearest known one.
[[nodiscard]] result<arguments> parse_arguments(const action& of, std::span<const std::string> typed,
                                                const settings& from);

/// Whether --help is among the options, with nothing else looked at.
[[nodiscard]] bool asks_for_help(const action& of, std::span<const std::string> typed);

}  // namespace netlab::app
