"""GraphiQL's build: when it is stale, which node will do, and that nothing in it points elsewhere."""

import json
import re
import shutil
from pathlib import Path

import pytest

from countersign.demo import frontend


@pytest.mark.parametrize("version", ["v20.19.0", "v20.20.2", "v22.12.0", "v24.19.0\n"])
def test_node_in_the_range_of_vite_is_used(version: str) -> None:
    assert frontend.is_new_enough(version)


@pytest.mark.parametrize("version", ["", "v18.20.0", "v20.18.3", "v21.7.0", "v22.11.0", "node 24"])
def test_older_or_unreadable_node_is_not_used(version: str) -> None:
    assert not frontend.is_new_enough(version)


def test_a_changed_source_makes_the_bundle_stale(tmp_path: Path) -> None:
    sources, bundle = tmp_path / "sources", tmp_path / "bundle"
    shutil.copytree(frontend.SOURCES, sources, ignore=shutil.ignore_patterns("node_modules"))
    bundle.mkdir()
    (bundle / "index.html").write_text("built", encoding="utf-8")
    assert not frontend.is_fresh(sources, bundle)
    (bundle / frontend.STAMP).write_text(frontend.stamp(sources), encoding="utf-8")
    assert frontend.is_fresh(sources, bundle)
    (sources / "node_modules").mkdir()
    (sources / "node_modules" / "anything").write_text("is not a source", encoding="utf-8")
    assert frontend.is_fresh(sources, bundle)
    (sources / "index.html").write_text("changed", encoding="utf-8")
    assert not frontend.is_fresh(sources, bundle)


def test_the_npm_lock_has_hashes_and_no_addresses() -> None:
    lock = json.loads((frontend.SOURCES / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: package for name, package in lock["packages"].items() if name}
    assert packages
    assert all("resolved" not in package for package in packages.values())
    assert all("integrity" in package for package in packages.values() if not package.get("inBundle"))


def test_every_npm_dependency_is_pinned_to_one_version() -> None:
    package = json.loads((frontend.SOURCES / "package.json").read_text(encoding="utf-8"))
    versions = [*package["dependencies"].values(), *package["devDependencies"].values()]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in versions)
