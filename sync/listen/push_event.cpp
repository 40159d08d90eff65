// The body is read once and kept nowhere: of megabytes of commits only a handful of texts is of interest, found by their paths in it.
#include "sync/listen/push_event.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <nlohmann/json.hpp>
#include <span>
#include <utility>

#include "daemon/uri.hpp"

namespace tidemark::sync {

namespace {

using Json = nlohmann::json;

constexpr std::size_t max_depth = 64;
constexpr std::size_t max_path = 256;
constexpr std::size_t max_text = 4096;
constexpr std::size_t max_repositories = 32;
constexpr std::size_t max_refs = 1000;

constexpr std::string_view bitbucket_ping = "diagnostics:ping";

struct Named {
  Forge forge;
  std::string_view name;
  std::string_view event_header;
};

// In the order in which the headers say most.
constexpr std::array<Named, 5> forges{{{Forge::forgejo, "forgejo", "x-forgejo-event"},
                                       {Forge::gitea, "gitea", "x-gitea-event"},
                                       {Forge::gitlab, "gitlab", "x-gitlab-event"},
                                       {Forge::bitbucket, "bitbucket", "x-event-key"},
                                       {Forge::github, "github", "x-github-event"}}};

const Named& entry_of(Forge forge) { return *std::ranges::find(forges, forge, &Named::forge); }

enum class Field { repository, default_branch, ref, kind, branch_name, branch_type };
struct Place {
  std::string_view path;  // '*' is every element of a list
  Field field;
};

constexpr Place github_places[] = {
    {"/ref", Field::ref},
    {"/repository/clone_url", Field::repository},
    {"/repository/ssh_url", Field::repository},
    {"/repository/html_url", Field::repository},
    {"/repository/default_branch", Field::default_branch},
};
constexpr Place gitlab_places[] = {
    {"/object_kind", Field::kind},
    {"/event_name", Field::kind},
    {"/ref", Field::ref},
    {"/project/git_http_url", Field::repository},
    {"/project/git_ssh_url", Field::repository},
    {"/project/web_url", Field::repository},
    {"/project/default_branch", Field::default_branch},
};
// Cloud's and Data Center's have nothing in common.
constexpr Place bitbucket_places[] = {
    {"/repository/links/html/href", Field::repository},
    {"/push/changes/*/new/name", Field::branch_name},
    {"/push/changes/*/new/type", Field::branch_type},
    {"/push/changes/*/old/name", Field::branch_name},
    {"/push/changes/*/old/type", Field::branch_type},
    {"/repository/links/clone/*/href", Field::repository},
    {"/changes/*/ref/id", Field::ref},
};

std::span<const Place> places_of(Forge forge) {
  if (forge == Forge::gitlab) return gitlab_places;
  if (forge == Forge::bitbucket) return bitbucket_places;
  return github_places;
}

// nlohmann's SAX interface: each call says whether to go on.
class Reader final : public nlohmann::json_sax<Json> {
 public:
  Reader(std::span<const Place> places, PushEvent& event) : places_(places), event_(event) {}

  std::string kind;
  std::string problem;

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return enter(); }
  bool start_array(std::size_t) override {
    if (!enter()) return false;
    path_ += "/*";
    return true;
  }
  bool end_array() override { return leave(); }
  bool parse_error(std::size_t at, const std::string&, const nlohmann::detail::exception&) override {
    problem = "it is no JSON at byte " + std::to_string(at);
    return false;
  }

  bool key(string_t& name) override {
    path_.resize(outer_.back());
    path_ += "/";
    path_ += path_.size() + name.size() > max_path ? "?" : name;
    return true;
  }

  bool string(string_t& text) override {
    const auto found = std::ranges::find(places_, path_, &Place::path);
    if (found != places_.end() && text.size() <= max_text) take(found->field, text);
    return true;
  }

  // A branch or tag of Bitbucket Cloud is complete.
  bool end_object() override {
    leave();
    if (!branch_name_.empty() && (path_.ends_with("/new") || path_.ends_with("/old")))
      add_ref((branch_type_ == "tag" ? "refs/tags/" : "refs/heads/") + std::exchange(branch_name_, ""));
    return true;
  }

 private:
  bool enter() {
    if (outer_.size() >= max_depth) problem = "it is nested too deeply";
    outer_.push_back(path_.size());
    return problem.empty();
  }

  bool leave() {
    path_.resize(outer_.back());
    outer_.pop_back();
    return true;
  }

  void take(Field field, const std::string& text) {
    switch (field) {
      case Field::repository:
        if (event_.repositories.size() < max_repositories) event_.repositories.push_back(text);
        break;
      case Field::default_branch:
        event_.default_branch = text;
        break;
      case Field::ref:
        add_ref(text);
        break;
      case Field::kind:
        kind = text;
        break;
      case Field::branch_name:
        branch_name_ = text;
        break;
      case Field::branch_type:
        branch_type_ = text;
        break;
    }
  }

  void add_ref(std::string ref) {
    event_.has_more_refs = event_.refs.size() >= max_refs;
    if (!event_.has_more_refs) event_.refs.push_back(std::move(ref));
  }

  const std::span<const Place> places_;
  PushEvent& event_;
  std::string path_;
  std::vector<std::size_t> outer_;  // how long the path was at each level
  std::string branch_name_;
  std::string branch_type_;
};

std::string header(const HttpRequest& request, std::string_view name) {
  const auto found = request.headers.find(std::string(name));
  return found == request.headers.end() ? "" : found->second;
}

// The payload of a form, or nothing when the body is none.
std::optional<std::string> form_payload(const HttpRequest& request) {
  if (!header(request, "content-type").starts_with("application/x-www-form-urlencoded")) return std::nullopt;
  const auto form = parse_target("/?" + request.body);
  if (!form) throw MalformedEvent("its form can't be read");
  const auto found = std::ranges::find(form->query, "payload", &std::pair<std::string, std::string>::first);
  if (found == form->query.end()) throw MalformedEvent("its form has no payload");
  return found->second;
}

PushEvent::Kind kind_of(Forge forge, const std::string& event, const std::string& kind_in_body) {
  using Kind = PushEvent::Kind;
  switch (forge) {
    case Forge::gitlab:  // a "System Hook" says in its body what it is
      return kind_in_body == "push" || kind_in_body == "tag_push" ? Kind::push : Kind::other;
    case Forge::bitbucket:
      if (event == bitbucket_ping) return Kind::ping;
      return event == "repo:push" || event == "repo:refs_changed" ? Kind::push : Kind::other;
    default:
      return event == "push" ? Kind::push : event == "ping" ? Kind::ping : Kind::other;
  }
}

}  // namespace

std::string_view name_of(Forge forge) { return entry_of(forge).name; }

std::optional<Forge> forge_of(const HttpRequest& request) {
  for (const auto& each : forges)
    if (!header(request, each.event_header).empty()) return each.forge;
  return std::nullopt;
}

bool is_unsigned_ping(Forge forge, const HttpRequest& request) {
  return forge == Forge::bitbucket && header(request, "x-event-key") == bitbucket_ping && header(request, "x-hub-signature").empty();
}

PushEvent read_push_event(Forge forge, const HttpRequest& request) {
  PushEvent event;
  event.event = header(request, entry_of(forge).event_header);
  Reader reader(places_of(forge), event);
  const auto form = form_payload(request);
  if (!Json::sax_parse(form ? *form : request.body, &reader)) throw MalformedEvent(reader.problem);
  event.kind = kind_of(forge, event.event, reader.kind);
  return event;
}

}  // namespace tidemark::sync
