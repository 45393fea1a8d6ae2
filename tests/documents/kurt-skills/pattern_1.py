# ruff: noqa
# fmt: off
from pathlib import Path

from kurt_ext import SkillManifest, parse_skill_manifest

def discover_skills(search_paths: list[Path]) -> list[SkillManifest]:
    """Scan paths for SKILL.md manifests."""
    manifests = []
    for base_path in search_paths:
        if not base_path.exists():
            continue

        # Structure 1: skills/my-skill/SKILL.md + skill.py
        for skill_dir in base_path.iterdir():
            if not skill_dir.is_dir():
                continue

            manifest_path = skill_dir / "SKILL.md"
            impl_path = skill_dir / "skill.py"

            if manifest_path.exists() and impl_path.exists():
                try:
                    manifest = parse_skill_manifest(manifest_path)
                    manifest.impl_path = impl_path
                    manifests.append(manifest)
                except Exception as e:
                    # Log and skip invalid skills
                    continue

    return manifests
