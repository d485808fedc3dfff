using OneCopy.Interop;
using Xunit;

namespace OneCopy.Tests;

/// <summary>What a test needs of the machine; without it the test is skipped, and says why.</summary>
internal static class Requires
{
    public static void Root()
    {
        if (Prctl.geteuid() != 0)
            Assert.Skip("Needs root, to start processes of other users.");
    }
}
