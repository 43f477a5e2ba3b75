"""What a request costs in the serving runtime, beside a bare application and three other servers of the same model bytes."""
