"""Whole addresses for texts that leave the house, as the courier knows them."""

from tocsin.courier.page_addresses import reached_at, whole

__all__ = ["reached_at", "whole"]
