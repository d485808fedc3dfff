using OneCopy.Interop;
using OneCopy.IO;

namespace OneCopy;

/// <summary>The view's memory for copies of any length that other parts of the library make.</summary>
public sealed unsafe partial class MappedView
{
    /// <summary>A part that is to be written: it stays mapped until the lease is disposed.</summary>
    internal HandleLease HoldForWriting(long offset, long length, out byte* start)
    {
        Check(offset, length);
        Require(Prot.Write);
        HandleLease lease = Hold();
        start = _start + offset;
        return lease;
    }
}
