using System.Runtime.CompilerServices;
using OneCopy.Messaging;

namespace OneCopy.Tests;

/// <summary>Tests that say nothing of it, and the processes that they start, attach from the same length on, whatever this machine is measured to be.</summary>
internal static class SameLanesEverywhere
{
#pragma warning disable CA2255 // An assembly of tests is no library.
    [ModuleInitializer]
#pragma warning restore CA2255
    public static void Set() => Environment.SetEnvironmentVariable(AttachThreshold.Variable, $"{AttachThreshold.Default}");
}
