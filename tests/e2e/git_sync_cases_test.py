#!/usr/bin/env python3
"""docs/git-sync-cases.md against the tests: each case of git-sync's suite has its row, and each row a test that there is."""

import re
import unittest
from functools import cache

from git_sync_flags_test import table as flags_table
from tidemark_e2e.environment import PROJECT

# The cases of kubernetes/git-sync v4's test_e2e.sh, in its order.
CASES = """
init_root_doesnt_exist init_root_exists_empty init_root_flag_is_weird init_root_flag_has_symlink init_root_is_under_another_repo
init_root_fails_sanity bad_ref_non_zero_exit sync_default_ref sync_head sync_head_absolute_link sync_head_subdir_link worktree_cleanup
worktree_unexpected_removal sync_recover_wrong_worktree_hash stale_worktree_timeout stale_worktree_timeout_restart v3_v4_upgrade_in_place readlink
sync_branch sync_branch_switch sync_tag sync_annotated_tag sync_sha sync_sha_once sync_sha_once_sync_different_sha_known
sync_sha_once_sync_different_sha_unknown sync_crash_no_link_cleanup_retry sync_crash_no_worktree_cleanup_retry sync_sha_shafile_exists
sync_repo_switch error_slow_git_short_timeout sync_slow_git_long_timeout sync_on_signal_sighup sync_on_signal_hup sync_on_signal_1
sync_depth_default_shallow sync_depth_across_updates sync_depth_change_on_restart auth_http_password auth_http_password_in_url auth_http_password_file
auth_password_file_reload auth_ssh auth_ssh_url auth_askpass_url_wrong_password auth_askpass_url_correct_password auth_askpass_url_sometimes_wrong
auth_askpass_url_flaky auth_askpass_url_slow_start auth_github_app_application_id auth_github_app_client_id exechook_success exechook_fail_retry
exechook_success_once exechook_fail_once exechook_startup_after_crash pre_publish_exechook_success pre_publish_exechook_fail_retry
pre_publish_exechook_success_once pre_publish_exechook_fail_once pre_publish_exechook_startup_after_crash webhook_success webhook_fail_retry
webhook_success_once webhook_fail_retry_once webhook_fire_and_forget expose_http expose_http_after_restart submodule_sync_default submodule_sync_depth
submodule_sync_off submodule_sync_shallow submodule_sync_relative submodule_sync_over_ssh_different_keys submodule_sync_over_http_different_passwords
sparse_checkout filter_partial_clone_blob_none filter_with_sparse_checkout filter_across_updates additional_git_configs export_error
export_error_abs_path touch_file touch_file_abs_path github_https gc_default gc_auto gc_always gc_aggressive gc_off exechook_git_archive
init_period_faster_initial_sync init_max_failures_exceeded
""".split()
PAGE = PROJECT / "docs/git-sync-cases.md"


def rows(name):
    text = re.search(rf"<!-- {name} -->\n(.*?)<!-- end -->", PAGE.read_text(), re.DOTALL)[1].splitlines()[2:]
    return [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in text]


def tests(cell):
    """[(file, test)] of a row's last cell."""
    found, file = [], None
    for word in re.findall(r"`([^`]+)`", cell):
        if word.endswith(".py"):
            file = word
        elif word.startswith("test_"):
            found.append((file, word))
    return found


@cache
def defined(file):
    path = PROJECT / "tests/e2e" / file
    return re.findall(r"^    def (test_\w+)\(self", path.read_text(), re.MULTILINE) if path.exists() else []


class Cases(unittest.TestCase):
    def test_there_are_93_and_each_has_one_row(self):
        self.assertEqual(len(CASES), 93)
        self.assertEqual([row[0] for row in rows("cases")], CASES)

    def test_each_row_is_a_promise_a_verdict_and_a_test_of_the_cases_name(self):
        for case, promise, verdict, shown in rows("cases"):
            with self.subTest(case):
                self.assertTrue(promise)
                self.assertIn(verdict, ("passes", "better", "refused"))
                self.assertTrue(tests(shown))
                if verdict != "refused":
                    self.assertTrue(tests(shown)[0][1].startswith(f"test_{case}"))

    def test_a_refused_one_names_the_flag_that_is_refused(self):
        flags = flags_table()
        for case, _, verdict, shown in rows("cases"):
            if verdict == "refused":
                with self.subTest(case):
                    self.assertEqual(flags[re.search(r"\(`--([a-z-]+)`\)", shown)[1]], "refused")

    def test_every_test_that_is_named_exists_once_and_is_run(self):
        registered = (PROJECT / "tests/e2e/CMakeLists.txt").read_text()
        for name in ("cases", "failings", "days"):
            for row in rows(name):
                with self.subTest(row[0]):
                    self.assertTrue(tests(row[-1]))
                    for file, test in tests(row[-1]):
                        self.assertEqual(defined(file).count(test), 1, f"{file} {test}")
                        self.assertIn(f" {file} ", registered)


if __name__ == "__main__":
    unittest.main()
