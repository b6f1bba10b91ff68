"""The strategy catalog: which bundles are approved, for which bots, inside which envelopes."""

from __future__ import annotations

import msgspec

from pytest_promotion.suites.trading.documents.kinds import Amount, Name, Version


class Naming(msgspec.Struct):
    """How the files of a bundle are to be called, by patterns such as `<strategy>_<bot>.yml`."""

    controller_pattern: Name
    script_pattern: Name
    allowed_modes: list[Name]


class CatalogDefaults(msgspec.Struct):
    """Where code and templates are, below the root."""

    controller_code_root: Name
    config_templates_root: Name
    entry_script: Name


class Envelope(msgspec.Struct):
    """What a bundle of a mode may do; 0 is no real capital."""

    max_notional_quote: Amount
    allow_order_placement: bool


class Bundle(msgspec.Struct):
    """An approved pair of a controller and a script."""

    bundle_id: Name
    strategy: Name
    version: Name
    bot: Name
    venue: Name
    mode: Name
    controller_config: Name
    script_config: Name


class Catalog(msgspec.Struct):
    """`config/strategy_catalog/catalog_v1.json`."""

    version: Version
    naming_contract: Naming
    defaults: CatalogDefaults
    risk_envelopes: dict[str, Envelope]
    approved_bundles: list[Bundle]
    catalog_id: Name
