"""The only conversion between protobuf messages and values.

Reading checks: what comes out is sound, and what is not raises InvalidRequest
naming the field.
"""
