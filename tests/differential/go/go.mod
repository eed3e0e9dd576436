module go-tdx-guest-driver

go 1.21

require github.com/google/go-tdx-guest v0.3.1
