namespace OneCopy.TestProcess;

internal static class Program
{
    private static int Main() => 0;
}
