#include "ingest/sqlite/searcher.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <tuple>
#include <utility>
#include <vector>

#include "ingest/fingerprint.hpp"
#include "ingest/query_text.hpp"
#include "ingest/sqlite/best_sections.hpp"
#include "ingest/sqlite/query.hpp"
#include "ingest/sqlite/rows.hpp"

namespace tidemark::ingest::sqlite {

namespace {

// How much of the page's documents is looked through for sections; ordinary pages stay far below.
constexpr std::int64_t section_budget = 8 * 1024 * 1024;

struct Candidate {
  double rank = 0;  // the smaller, the better
  std::int64_t id = 0;
  std::string path;
  std::string fragment;
};

// The best `window` of all that match, and how many match. Memory is bounded by the window, but for ties with its last place.
class Best {
 public:
  explicit Best(std::size_t window) : window_(window), prune_at_(std::max<std::size_t>(4 * window, 4'096)) {}

  void add(double rank, std::int64_t id) {
    ++total_;
    if (full_ && rank > worst_) return;
    candidates_.push_back({rank, id});
    if (candidates_.size() >= prune_at_) prune();
  }

  std::int64_t total() const { return total_; }

  // Best first, in an order that still leaves ties open; reaches over the window as far as its last place is tied.
  std::vector<std::pair<double, std::int64_t>> take() {
    prune();
    std::sort(candidates_.begin(), candidates_.end());
    return std::move(candidates_);
  }

 private:
  void prune() {
    if (window_ == 0) candidates_.clear();
    if (candidates_.size() <= window_ || window_ == 0) return;
    const auto last = candidates_.begin() + static_cast<std::ptrdiff_t>(window_ - 1);
    std::nth_element(candidates_.begin(), last, candidates_.end());
    worst_ = last->first;
    full_ = true;
    std::erase_if(candidates_, [&](const auto& candidate) { return candidate.first > worst_; });
    prune_at_ = std::max(prune_at_, 2 * candidates_.size());
  }

  std::size_t window_;
  std::size_t prune_at_;
  std::vector<std::pair<double, std::int64_t>> candidates_;
  double worst_ = 0;
  bool full_ = false;
  std::int64_t total_ = 0;
};

struct Filter {
  std::string sql;
  std::vector<std::string> texts;  // bound after the match, the first `blobs` of them as blobs
  std::size_t blobs = 0;
};

Filter filter_of(const SearchQuery& query) {
  Filter filter;
  if (query.path && !query.path->empty()) {
    std::string own = *query.path;
    while (own.size() > 1 && own.ends_with('/')) own.pop_back();
    filter.sql += " AND (d.path = ?2 OR (d.path >= ?3 AND d.path < ?4))";
    filter.texts = {own, own + '/', own + '0'};  // '0' follows '/'
    filter.blobs = 3;
  }
  const auto add = [&](const std::optional<std::string>& value, const char* before, const char* after) {
    if (!value) return;
    filter.texts.push_back(*value);
    filter.sql += " AND " + std::string(before) + '?' + std::to_string(filter.texts.size() + 1) + after;
  };
  add(query.kind, "d.kind = ", "");
  add(query.lang, "d.lang = ", "");
  // The cheap test first: most rows do not have the tag's letters at all.
  if (query.tag) {
    filter.texts.push_back(nlohmann::json(*query.tag).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    filter.sql += " AND instr(d.tags, ?" + std::to_string(filter.texts.size() + 1) + ") > 0";
  }
  add(query.tag, "EXISTS (SELECT 1 FROM json_each(d.tags) WHERE value = ", ")");
  return filter;
}

Best rank_all(Connection& connection, const ReadQuery& read, const SearchQuery& query) {
  const Filter filter = filter_of(query);
  const std::string sql = "SELECT search.rowid, tidemark_rank(search, z.sz) FROM search CROSS JOIN search_docsize AS z ON z.id = search.rowid" +
                          std::string(filter.sql.empty() ? "" : " CROSS JOIN document AS d INDEXED BY document_filter ON d.id = search.rowid") +
                          " WHERE search MATCH ?1" + filter.sql;
  StatementScope rows = connection.cached(sql);
  rows->bind(1, std::string_view(read.match));
  for (std::size_t i = 0; i < filter.texts.size(); ++i) {
    const int index = static_cast<int>(i) + 2;
    if (i < filter.blobs) {
      rows->bind(index, Blob{filter.texts[i]});
    } else {
      rows->bind(index, std::string_view(filter.texts[i]));
    }
  }
  Best best(static_cast<std::size_t>(query.offset) + static_cast<std::size_t>(query.limit));
  while (rows->step()) best.add(rows->real(1), rows->integer(0));
  return best;
}

// The page's documents, by score and then by path.
std::vector<Candidate> page_of(Connection& connection, Best& best, const SearchQuery& query) {
  std::vector<Candidate> page;
  const auto ranked = best.take();
  const auto offset = static_cast<std::size_t>(query.offset);
  if (ranked.size() <= offset || query.limit == 0) return page;
  const std::size_t last = std::min(offset + static_cast<std::size_t>(query.limit), ranked.size()) - 1;
  // Only those that share a score with the page's first or last place need their path to be put in order.
  for (std::size_t i = 0; i < ranked.size(); ++i) {
    if (ranked[i].first < ranked[offset].first || ranked[i].first > ranked[last].first) continue;
    StatementScope row = connection.cached("SELECT path, fragment FROM document INDEXED BY document_filter WHERE id = ?1");
    row->bind(1, ranked[i].second);
    if (row->step()) page.push_back({ranked[i].first, ranked[i].second, std::string(row->bytes(0)), std::string(row->bytes(1))});
  }
  std::sort(page.begin(), page.end(), [](const Candidate& a, const Candidate& b) { return std::tie(a.rank, a.path, a.fragment) < std::tie(b.rank, b.path, b.fragment); });
  const auto before = static_cast<std::size_t>(
      std::count_if(ranked.begin(), ranked.end(), [&](const auto& candidate) { return candidate.first < ranked[offset].first; }));
  page.erase(page.begin(), page.begin() + static_cast<std::ptrdiff_t>(std::min(offset - before, page.size())));
  if (page.size() > static_cast<std::size_t>(query.limit)) page.resize(static_cast<std::size_t>(query.limit));
  return page;
}

Hit hit_of(Connection& connection, const Candidate& candidate, const Matcher& matcher, std::int64_t& budget) {
  StatementScope row = connection.cached("SELECT title, url, revision, kind, lang, sections, headings, prose, code FROM document WHERE id = ?1");
  row->bind(1, candidate.id);
  Hit hit;
  hit.path = display_path(candidate.path);
  hit.score = -candidate.rank;
  if (!row->step()) return hit;
  hit.title = row->bytes(0);
  hit.url = row->bytes(1);
  hit.revision = oid_of(row->bytes(2)).hex();
  hit.kind = row->bytes(3);
  hit.lang = row->bytes(4);
  hit.sections = best_sections(matcher, split_sections(row->bytes(5), row->bytes(6), row->bytes(7), row->bytes(8)), budget);
  return hit;
}

}  // namespace

SearchResult search(Connection& connection, Tokenizer& tokenizer, const SearchQuery& query) {
  check_search_window(query);
  const ReadQuery read = read_query(query.text, tokenizer);
  SearchResult result;
  std::string source;
  {
    StatementScope row = connection.cached("SELECT source FROM state");
    if (row->step()) source = row->bytes(0);
  }
  if (query.source && *query.source != source) return result;

  Best best = rank_all(connection, read, query);
  result.total = best.total();
  const Matcher matcher(read, tokenizer);
  std::int64_t budget = section_budget;
  for (const Candidate& candidate : page_of(connection, best, query)) {
    result.hits.push_back(hit_of(connection, candidate, matcher, budget));
    result.hits.back().source = source;
  }
  return result;
}

}  // namespace tidemark::ingest::sqlite
